/* The effect `book`: a case books a service, and is told how it ended. */
#include "timebank/timebank.h"

gov_status timebank_tell(timebank_teller *t, const timebank_booking *k, const char *how)
{
    (void)t;
    (void)k;
    (void)how;
    return GOV_OK;
}
