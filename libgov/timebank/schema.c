/* The tables of time banks. A bank is named by its ledger, since its name may change. */
#include "timebank/timebank.h"

static const store_column member_columns[] = {{"community", STORE_INT},
                                              {"book", STORE_INT},
                                              {"resident", STORE_INT},
                                              {"served", STORE_INT, false, "served >= 0"},
                                              {"donated", STORE_INT, false, "donated >= 0"},
                                              {"received", STORE_INT, false, "received >= 0"},
                                              {"services", STORE_INT},
                                              {"no_shows", STORE_INT},
                                              {"stars", STORE_INT},
                                              {"ratings", STORE_INT},
                                              {"last_us", STORE_INT, true},
                                              {"standing", STORE_INT},
                                              {0}};
static const store_table member_table = {.name = "gov_timebank_member",
                                         .columns = member_columns,
                                         .key = "community, book, resident"};

/* Offers and requests. */
static const store_column notice_columns[] = {{"community", STORE_INT},
                                              {"id", STORE_INT},
                                              {"book", STORE_INT},
                                              {"kind", STORE_INT},
                                              {"state", STORE_INT},
                                              {"resident", STORE_INT},
                                              {"skill", STORE_TEXT},
                                              {"from_us", STORE_INT},
                                              {"until_us", STORE_INT},
                                              {"minutes", STORE_INT},
                                              {"lat", STORE_INT, true},
                                              {"lon", STORE_INT, true},
                                              {"radius_m", STORE_INT, true},
                                              {"pooled", STORE_BOOL},
                                              {"note", STORE_TEXT, true},
                                              {"at_us", STORE_INT},
                                              {0}};
static const store_index notice_indexes[] = {
    {"gov_timebank_notice_by_skill", "community, book, kind, skill, until_us", false, "state = 0"},
    {"gov_timebank_notice_by_resident", "community, book, resident", false, "state = 0"},
    {0}};
static const store_table notice_table = {.name = "gov_timebank_notice",
                                         .columns = notice_columns,
                                         .key = "community, id",
                                         .flags = STORE_ROWID_KEY,
                                         .indexes = notice_indexes};

static const store_column booking_columns[] = {{"community", STORE_INT},
                                               {"id", STORE_INT},
                                               {"book", STORE_INT},
                                               {"kind", STORE_INT},
                                               {"state", STORE_INT},
                                               {"offer", STORE_INT, true},
                                               {"request", STORE_INT, true},
                                               {"volunteer", STORE_INT},
                                               {"recipient", STORE_INT, true},
                                               {"skill", STORE_TEXT},
                                               {"activity", STORE_TEXT, true},
                                               {"from_us", STORE_INT},
                                               {"until_us", STORE_INT},
                                               {"minutes", STORE_INT},
                                               {"most", STORE_INT},
                                               {"amount", STORE_INT},
                                               {"rate_num", STORE_INT},
                                               {"rate_den", STORE_INT},
                                               {"lat", STORE_INT, true},
                                               {"lon", STORE_INT, true},
                                               {"transfer", STORE_INT, true},
                                               {"expires_us", STORE_INT, true},
                                               {"in_us", STORE_INT, true},
                                               {"in_by", STORE_INT, true},
                                               {"out_us", STORE_INT, true},
                                               {"out_by", STORE_INT, true},
                                               {"served", STORE_INT},
                                               {"own", STORE_INT},
                                               {"donated", STORE_INT},
                                               {"day", STORE_INT},
                                               {"month", STORE_INT},
                                               {"confirmed_us", STORE_INT, true},
                                               {"confirmed_by", STORE_INT, true},
                                               {"stars", STORE_INT, true},
                                               {"review", STORE_TEXT, true},
                                               {"dispute", STORE_TEXT, true},
                                               {"ruling", STORE_TEXT, true},
                                               {"case_id", STORE_INT, true},
                                               {"effect", STORE_TEXT, true},
                                               {0}};
static const store_index booking_indexes[] = {
    {"gov_timebank_booking_by_volunteer", "community, book, volunteer, month, day", false, NULL},
    {"gov_timebank_booking_by_recipient", "community, book, recipient", false, "recipient IS NOT NULL"},
    {0}};
static const store_table booking_table = {.name = "gov_timebank_booking",
                                          .columns = booking_columns,
                                          .key = "community, id",
                                          .flags = STORE_ROWID_KEY,
                                          .indexes = booking_indexes};

/* What bookings that go over midnight have on their later days: planned, or credited. */
static const store_column day_columns[] = {{"community", STORE_INT}, {"booking", STORE_INT}, {"day", STORE_INT},
                                           {"month", STORE_INT},     {"book", STORE_INT},    {"volunteer", STORE_INT},
                                           {"minutes", STORE_INT, false, "minutes >= 0"}, {0}};
static const store_index day_indexes[] = {{"gov_timebank_day_by_volunteer", "community, book, volunteer, month", false, NULL}, {0}};
static const store_table day_table = {
    .name = "gov_timebank_day", .columns = day_columns, .key = "community, booking, day", .indexes = day_indexes};

/* Communities that hours are exchanged with. */
static const store_column peer_columns[] = {{"community", STORE_INT},
                                            {"id", STORE_INT},
                                            {"book", STORE_INT},
                                            {"name", STORE_TEXT},
                                            {"self", STORE_TEXT},
                                            {"public_key", STORE_BYTES},
                                            {"most_owed", STORE_INT, false, "most_owed >= 0"},
                                            {"most_claimed", STORE_INT, false, "most_claimed >= 0"},
                                            {"out_seq", STORE_INT},
                                            {"out_acked", STORE_INT},
                                            {"out_hash", STORE_BYTES},
                                            {"in_seq", STORE_INT},
                                            {"in_hash", STORE_BYTES},
                                            {"their_bank", STORE_TEXT},
                                            {"our_bank", STORE_TEXT},
                                            {"lost", STORE_INT}, /* a message from here that the peer has and that is not kept; 0: none */
                                            {"lost_hash", STORE_BYTES},
                                            {0}};
/* One bank's name leads to one stream of messages with a peer, even when another bank bears it later. */
static const store_index peer_indexes[] = {{"gov_timebank_peer_by_name", "community, book, name", true, NULL},
                                           {"gov_timebank_peer_by_bank", "community, name, our_bank", true, NULL},
                                           {0}};
static const store_table peer_table = {
    .name = "gov_timebank_peer", .columns = peer_columns, .key = "community, id", .indexes = peer_indexes};

/* Every message that was sent (direction 0), or taken up (1) with its answer. */
static const store_column message_columns[] = {{"community", STORE_INT},
                                               {"peer", STORE_INT},
                                               {"direction", STORE_INT},
                                               {"sequence", STORE_INT},
                                               {"kind", STORE_TEXT},
                                               {"hash", STORE_BYTES},
                                               {"text", STORE_TEXT},
                                               {"answer", STORE_TEXT, true},
                                               {"at_us", STORE_INT},
                                               {0}};
static const store_table message_table = {.name = "gov_timebank_message",
                                          .columns = message_columns,
                                          .key = "community, peer, direction, sequence",
                                          .flags = STORE_WIDE_ROWS};

/* What was sent to a peer (direction 0) or came from it (1), under the sender's number. */
static const store_column clearing_columns[] = {{"community", STORE_INT},
                                                {"peer", STORE_INT},
                                                {"direction", STORE_INT},
                                                {"transfer", STORE_INT},
                                                {"what", STORE_TEXT},
                                                {"resident", STORE_INT, true},
                                                {"minutes", STORE_INT, false, "minutes > 0"},
                                                {"state", STORE_INT},
                                                {"reason", STORE_TEXT, true},
                                                {"at_us", STORE_INT},
                                                {"done_us", STORE_INT, true},
                                                {"sequence", STORE_INT}, /* of the message that prepared it; 0: none came */
                                                {"proposal", STORE_INT, true},
                                                {"proposed_by", STORE_INT, true},
                                                {"given_back", STORE_BOOL},
                                                {"shortfall", STORE_INT}, /* of one that came back to mind: what suspense advanced */
                                                {0}};
static const store_table clearing_table = {
    .name = "gov_timebank_clearing", .columns = clearing_columns, .key = "community, peer, direction, transfer"};

static const store_table *const tables[] = {&member_table, &notice_table,   &booking_table, &day_table, &peer_table,
                                            &message_table, &clearing_table, NULL};
const journal_kept timebank_kept_member = {&member_table, NULL, NULL};
const journal_kept timebank_kept_notice = {&notice_table, "skill", "lat, lon"};
const journal_kept timebank_kept_booking = {&booking_table, "skill, activity", "lat, lon"};
const journal_kept timebank_kept_day = {&day_table, NULL, NULL};
const journal_kept timebank_kept_peer = {&peer_table, "name, self, their_bank, our_bank", NULL};
const journal_kept timebank_kept_message = {&message_table, "kind", NULL};
const journal_kept timebank_kept_clearing = {&clearing_table, "what", NULL};
const store_migration timebank_schema = {.room = "timebank", .version = 1, .create = tables};
