"""Stores, and the communities on them."""

from contextlib import contextmanager
from datetime import datetime, timedelta, timezone

from . import _core
from ._errors import Denied, Error, StateError
from ._handle import Guard, Handle
from ._rules import Rulebook, load_rulebook, micros, path_text, point, scope_handle

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def _options(create=False, readonly=False, relaxed=False, busy_timeout=None):
    options = {"create": create, "readonly": readonly, "relaxed": relaxed}
    if busy_timeout is not None:
        options["busy_timeout_ms"] = round(busy_timeout * 1000)
    return options


def _value(value):
    """A pair of degrees, as people write a place, becomes a point; everything else stays."""
    if isinstance(value, tuple) and len(value) == 2 and all(type(part) in (int, float) for part in value):
        return point(*value)
    return value


def _map(named, fields):
    both = dict(named or {}, **fields)
    return {key: _value(value) for key, value in both.items()}


def _instant(us):
    return _EPOCH + timedelta(microseconds=us)


class Store(Handle):
    """A connection to a SQLite file or a PostgreSQL database, which holds communities."""

    _what = "store"
    _release = _core.gov_store_free

    def __init__(self, url, *, create=False, readonly=False, relaxed=False, busy_timeout=None, scope=None):
        self._scope, functions = scope_handle(scope)
        super().__init__(_core.gov_store_open(path_text(url), _options(create, readonly, relaxed, busy_timeout), functions))

    def communities(self):
        """A list of dicts: id, name, title, rulebook, version, created_at."""
        return self._call(_core.gov_community_list)

    def create(self, rulebook, name=None):
        """Creates a community with these rules (a Rulebook, or the path of one); gives its id."""
        if isinstance(rulebook, Rulebook):
            return rulebook._call(lambda rules: self._call(_core.gov_community_create, name, rules))
        with load_rulebook(rulebook, scope=self._scope) as rules:
            return self.create(rules, name)

    def community(self, name=None, *, now=None):
        """Opens a community by its name; the only one, without."""
        return Community(self._call(_core.gov_attach, name), self._guard, now)

    def backup(self, path, progress=None):
        """Copies the live store into a new SQLite file."""
        self._call(_core.gov_store_backup, path_text(path), progress)


class Community(Handle):
    """One community, open on a store. Every call runs as an actor: see act_as_host(), act_as(), acting()."""

    _what = "community"
    _release = _core.gov_free

    def __init__(self, handle, guard=None, now=None):
        super().__init__(handle, guard if guard is not None else Guard())
        self._actor = None
        self._clock = None
        self._journal_page = 1000
        if callable(now):
            self._clock = now
        elif now is not None:
            self.freeze(now)

    def _call(self, function, *args):
        if self._actor == ():
            raise Denied("no actor is set", "no_actor", _core.GOV_E_DENIED)
        if self._clock is not None:
            us = self._micros(self._clock())
            super()._call(_core.gov_set_now, us)
        return super()._call(function, *args)

    # --- who acts ---

    def _act(self, call, *args):
        before, self._actor = self._actor, None
        try:
            self._call(call, *args)
        except BaseException:
            self._actor = before
            raise
        self._actor = (call, *args)
        return self

    def act_as_host(self, purpose):
        """The calls that follow are made by the program itself. Gives the community."""
        return self._act(_core.gov_act_as_host, purpose)

    def act_as(self, staff, purpose):
        """The calls that follow are made by a member of staff, by key. Gives the community."""
        return self._act(_core.gov_act_as, staff, purpose)

    def act_as_resident(self, resident, purpose):
        """The calls that follow are made by a resident, by key. Gives the community."""
        return self._act(_core.gov_act_as_resident, resident, purpose)

    @contextmanager
    def acting(self, staff=None, *, resident=None, purpose):
        """Within the block calls are made by a member of staff, by a resident, or by the host; after it by whoever
        acted before (nobody, if nobody did)."""
        if staff is not None and resident is not None:
            raise TypeError("either a member of staff or a resident acts")
        before = self._actor
        if staff is not None:
            self.act_as(staff, purpose)
        elif resident is not None:
            self.act_as_resident(resident, purpose)
        else:
            self.act_as_host(purpose)
        try:
            yield self
        finally:
            if not self.closed:
                self._actor = ()
                if before:
                    self._act(*before)

    # --- groups ---

    def begin(self):
        """Opens a group of calls: one transaction. group() does it more safely."""
        self._call(_core.gov_begin)

    def commit(self):
        """Ends the group and makes it durable."""
        self._call(_core.gov_commit)

    def rollback(self):
        """Ends the group and undoes it."""
        self._call(_core.gov_rollback)

    @contextmanager
    def group(self):
        """Within the block all calls are one transaction: committed at its end, rolled back by an exception.

        Other threads wait until the block ends, with this handle and with all others of its store."""
        held = self._guard.hold()
        try:
            self.begin()
            try:
                yield self
            except BaseException:
                self._undo()
                raise
            try:
                self.commit()
            except BaseException:
                self._undo()
                raise
        finally:
            if held:
                self._guard.let_go()

    def _undo(self):
        try:
            if not self.closed:
                Handle._call(self, _core.gov_rollback)
        except Error:
            pass  # the group has ended by itself; what is to be told is already on its way

    # --- time ---

    @property
    def now(self):
        """The community's clock, an aware datetime."""
        return _instant(self._call(_core.gov_now))

    @staticmethod
    def _micros(when):
        us = micros(when)
        if us < 0:
            raise ValueError("a community's clock begins in 1970")
        return us

    def freeze(self, when):
        """Lets the clock stand still at an aware datetime, or at so much after the present (a timedelta)."""
        us = self._call(_core.gov_now) + when // timedelta(microseconds=1) if isinstance(when, timedelta) \
            else self._micros(when)
        if us < 0:
            raise ValueError("a community's clock begins in 1970")
        self._clock = None
        self._call(_core.gov_set_now, us)

    def unfreeze(self):
        """Lets the clock run with the system's again."""
        self._clock = None
        self._call(_core.gov_run_clock)

    def parse_time(self, text):
        """The instant of a time as people write it ("2026-03-02 09:05"), in the community's time zone."""
        return _instant(self._call(_core.gov_time_parse, text))

    def format_time(self, when):
        """A time in the community's time zone, with its offset: "2026-03-02T09:05:00+08:00"."""
        return self._call(_core.gov_time_format, micros(when))

    def tick(self, max=0):
        """Fires what is due, `max` at most (0: all). Gives a dict of fired, failed, parked, next (a datetime, or
        None) and next_provisional (whether that rests on a year that no calendar lists)."""
        return self._call(_core.gov_tick, max)

    # --- the community ---

    def about(self):
        """A dict: id, name, title, rulebook, version, digest, time_zone, languages, now."""
        return self._call(_core.gov_about)

    def install(self, rulebook):
        """Installs another version of the rules (a Rulebook, or the path of one)."""
        if isinstance(rulebook, Rulebook):
            rulebook._call(lambda rules: self._call(_core.gov_install, rules))
        else:
            with load_rulebook(rulebook) as rules:
                self.install(rules)

    def migrate(self, rulebook=None, *, dry_run=False):
        """Moves running cases to other rules (a Rulebook, or the path of one; None: those in force). Gives a dict: migrated, same,
        refused, refused_cases; a dry run changes nothing, and tells under past what would have gone otherwise."""
        if rulebook is None or isinstance(rulebook, Rulebook):
            run = lambda rules: self._call(_core.gov_migrate, rules, 1 if dry_run else 0)
            return run(None) if rulebook is None else rulebook._call(run)
        with load_rulebook(rulebook) as rules:
            return self.migrate(rules, dry_run=dry_run)

    def _rows(self, rows):
        """A page's rows: with what is closed no list goes on, also not within a page."""
        for row in rows:
            yield row
            if self.closed:
                raise StateError("the community is closed", "closed", _core.GOV_E_STATE)

    # --- people and places ---

    def put(self, kind, key, fields=None, /, **more):
        """Adds a record, or replaces the one of that key; gives its id. Fields are named, or stand in a dict."""
        return self._call(_core.gov_record_put, kind, key, _map(fields, more))

    def get(self, kind, key):
        """One record as a dict: id, key, kind and its fields."""
        return self._call(_core.gov_record_get, kind, key)

    def records(self, kind, *, where=None, order=None, page=1000):
        """The records of a kind that fit, in the order of their keys or the one asked for; pages are fetched as they are needed.

        `where` is a filter in CEL: 'it.birth_year < 1946 && "alone" in it.tags'; `order` a name of it, with asc or desc behind it."""
        query = {"where": where, "order": order, "limit": page, "cursor": None}
        while True:
            answer = self._call(_core.gov_record_list, kind, query)
            yield from self._rows(answer["records"])
            query["cursor"] = answer["next"]
            if query["cursor"] is None:
                return

    def locate(self, points):
        """The id of the grid of each point (pairs of degrees, latitude first); 0: in no grid."""
        return self._call(_core.gov_locate, points)

    # --- what programmes do ---

    def run(self, operation, input=None, /, *, idempotency_key=None, **more):
        """Runs an operation of a programme, such as "points.redeem"; gives its answer. Operands are named, or stand in a dict."""
        return self._call(_core.gov_operation_run, operation, _map(input, more), {"idempotency_key": idempotency_key})

    def operations(self):
        """What run() knows: a list of dicts with name, permission, writes and operands."""
        return self._call(_core.gov_operation_list)

    # --- cases ---

    def open_case(self, workflow, fields=None, /, *, reporter=None, grid=None, source=None, number=None,
                  idempotency_key=None, **more):
        """Opens a case; gives its id. Fields are named, or stand in a dict (for those with the name of an option)."""
        options = {"reporter": reporter, "grid": grid, "source": source, "number": number,
                   "idempotency_key": idempotency_key}
        return self._call(_core.gov_case_open, workflow, _map(fields, more), options)

    def send(self, id, event, data=None, /, *, idempotency_key=None, **more):
        """Sends an event to a case, with its input by name or in a dict."""
        self._call(_core.gov_case_send, id, event, _map(data, more), {"idempotency_key": idempotency_key})

    def find_case(self, number, source=None):
        """The id of the case of that number: the community's own, or another system's."""
        return self._call(_core.gov_case_find, source, number)

    def case(self, id):
        """One case as a dict."""
        return self._call(_core.gov_case_get, id)

    def cases(self, *, where=None, order=None, workflow=None, grid=None, unit=None, field=None, equals=None, open_only=False,
              overdue_only=False, page=1000):
        """The cases that fit, in the order of opening or the one asked for; pages are fetched as they are needed.

        `where` is a filter in CEL: 'case.level >= 3 && case.unit == "WY"'; `order` a name of it, with asc or desc behind it."""
        query = {"workflow": workflow, "grid": grid, "unit": unit, "field": field, "equals": equals,
                 "where": where, "order": order, "open_only": open_only, "overdue_only": overdue_only, "limit": page, "cursor": None}
        while True:
            answer = self._call(_core.gov_case_list, query)
            yield from self._rows(answer["cases"])
            query["cursor"] = answer["next"]
            if query["cursor"] is None:
                return

    def history(self, id):
        """What happened to a case: a list of dicts in order."""
        return self._call(_core.gov_case_history, id)

    def explain(self, id):
        """What may happen next to a case, and what refuses the rest: a dict of state, clocks, timers and events."""
        return self._call(_core.gov_case_explain, id)

    # --- ledgers ---

    def new_ids(self, n=1):
        """A list of n new ids that ascend with time."""
        return self._call(_core.gov_ledger_new_ids, n)

    def _batch(self, call, items):
        items = list(items)
        return self._call(call, items) if items or self.closed else []

    def create_accounts(self, accounts):
        """Creates accounts from a list of dicts; a result for each: a dict of result (a name), code and timestamp."""
        return self._batch(_core.gov_ledger_create_accounts, accounts)

    def transfer(self, transfers):
        """Makes transfers from a list of dicts; a result for each, as in create_accounts()."""
        return self._batch(_core.gov_ledger_transfer, transfers)

    def accounts(self, ids):
        """Accounts by id, in the order asked; None for one that does not exist."""
        return self._batch(_core.gov_ledger_lookup_accounts, ids)

    def transfers(self, ids):
        """Transfers by id, in the order asked; None for one that does not exist."""
        return self._batch(_core.gov_ledger_lookup_transfers, ids)

    def _statement(self, call, account, reverse, filters):
        edge = "timestamp_max" if reverse else "timestamp_min"
        query = dict(filters, account=account, reversed=reverse)
        left = query.pop("limit", 0)
        while True:
            query["limit"] = left
            rows = self._call(call, query)
            yield from self._rows(rows)
            if left:
                left -= len(rows)
                if left <= 0:
                    return
            if len(rows) == 0:
                return
            query[edge] = rows[-1]["timestamp"] + (-1 if reverse else 1)
            if query[edge] <= 0:
                return

    def account_transfers(self, account, *, reverse=False, **filters):
        """An account's transfers in order; filters as in gov_ledger_filter (subject, code, timestamp_min, limit, ...)."""
        return self._statement(_core.gov_ledger_account_transfers, account, reverse, filters)

    def account_balances(self, account, *, reverse=False, **filters):
        """An account's balances, one row after each change; filters as in account_transfers()."""
        return self._statement(_core.gov_ledger_account_balances, account, reverse, filters)

    def set_cap(self, cap):
        """Sets a cap from a dict of ledger, number, account, code, reason, side, per and amount (None takes it away)."""
        return self._call(_core.gov_ledger_cap_set, cap)

    def caps(self, ledger):
        """The caps of a ledger: a list of dicts."""
        return self._call(_core.gov_ledger_caps, ledger)

    def lots(self, account):
        """The lots of an account with something left, the first to expire first."""
        return self._call(_core.gov_ledger_lots, account)

    def balance_at(self, account, at, *, effective=False):
        """An account's balances at an instant, by what was recorded then or (effective) by what had taken effect."""
        return self._call(_core.gov_ledger_balance_at, account, micros(at), int(effective))

    def put_note(self, kind, id, note):
        """Notes a dict about an "account" or a "transfer", once."""
        return self._call(_core.gov_ledger_note_put, kind, id, note)

    def note(self, kind, id):
        """The note about an account or a transfer, or None."""
        return self._call(_core.gov_ledger_note_get, kind, id)

    def export_ledger(self, ledger=0):
        """A ledger (0: all) as a plain-text journal for hledger."""
        return self._call(_core.gov_ledger_export, ledger)

    # --- points ---

    def points(self, key, *, programme=None, kind=None):
        """The points that a household or resident has."""
        return self._call(_core.gov_points_balance, programme, kind, key)

    def points_statement(self, key, *, programme=None, kind=None, before=None, limit=0):
        """What was earned and taken, the newest first: a list of dicts."""
        return self._call(_core.gov_points_statement, programme, kind, key, 0 if before is None else micros(before), limit)

    def award(self, key, rule, amount=0, *, programme=None, kind=None):
        """Gives points by hand, or takes them, under one of the programme's rules."""
        self._call(_core.gov_points_award, programme, kind, key, rule, amount)

    def points_top(self, limit=0, *, programme=None):
        """The highest balances of a programme, without names: a list of dicts of rank and points."""
        return self._call(_core.gov_points_top, programme, limit)

    def points_totals(self):
        """All programmes in figures: a list of dicts."""
        return self._call(_core.gov_points_totals)

    # --- the journal ---

    def journal(self, after=0, *, page=1000):
        """The entries of the journal in order, as dicts; after the entry of that id."""
        while after is not None:
            answer = self._call(_core.gov_journal_read, after, page)
            yield from self._rows(answer["entries"])
            after = answer["next"]

    def verify(self, progress=None):
        """Checks everything; gives the report, or raises VerifyError with `.report`. progress(done, total) may raise."""
        return self._call(_core.gov_verify, progress)

    def export_journal(self, path, secret_key=None):
        """Writes the journal with its signed head to a new file, for gov.check_journal()."""
        self._call(_core.gov_journal_export, path_text(path), secret_key)

    # --- reports and imports ---

    def _report(self, call, begin, end, lang, workflow, public):
        return self._call(call, {"from": begin, "to": end, "lang": lang, "workflow": workflow, "public": public})

    def report(self, begin=None, end=None, *, lang=None, workflow=None, public=False):
        """The report's figures as a dict, for a period of aware datetimes."""
        return self._report(_core.gov_report, begin, end, lang, workflow, public)

    def report_text(self, begin=None, end=None, *, lang=None, workflow=None, public=False):
        """The report as text for a terminal."""
        return self._report(_core.gov_report_text, begin, end, lang, workflow, public)

    def report_html(self, begin=None, end=None, *, lang=None, workflow=None, public=False):
        """The report as one self-contained HTML page."""
        return self._report(_core.gov_report_html, begin, end, lang, workflow, public)

    def import_file(self, map, file=None, *, refused=None, lang=None, batch=0, dry_run=False, progress=None):
        """Imports a file as its map says (`lang`: of the reasons in `refused`); gives a dict of rows, added, unchanged, changed, flagged, refused, events."""
        options = {"file": None if file is None else path_text(file),
                   "refused": None if refused is None else path_text(refused), "lang": lang, "batch": batch,
                   "dry_run": dry_run}
        return self._call(_core.gov_import, path_text(map), options, progress)

    def replayed_until(self):
        """The instant at which the last replay of an import left the clock; None when nothing was replayed."""
        us = self._call(_core.gov_replayed_until)
        return _instant(us) if us >= 0 else None


def open(url, *, create=False, name=None, readonly=False, relaxed=False, busy_timeout=None, now=None, scope=None):
    """Opens a community on a store: "x.db", "sqlite:x.db" or "postgresql://...".

    name          which one, where there are several
    create        make the store when it is not there (a community is still needed: see gov.create)
    busy_timeout  seconds to wait for another process's lock
    now           the clock: an aware datetime, or a function that gives one; by default the system's
    scope         functions of this program that the rules call: a Scope, or a dict of functions
    """
    if name is None:
        options = _options(create, readonly, relaxed, busy_timeout)
        kept, functions = scope_handle(scope)
        handle = _core.gov_open(path_text(url), options, functions)
        del kept  # the store has it now
        return Community(handle, now=now)
    with Store(url, create=create, readonly=readonly, relaxed=relaxed, busy_timeout=busy_timeout, scope=scope) as store:
        return store.community(name, now=now)


def create(url, rulebook, name=None, *, relaxed=False, busy_timeout=None, now=None, scope=None):
    """Creates a community with these rules (a Rulebook, or the path of one), makes the store when it is not there,
    and opens the community."""
    if not isinstance(rulebook, Rulebook):
        with load_rulebook(rulebook, scope=scope) as rules:
            return create(url, rules, name, relaxed=relaxed, busy_timeout=busy_timeout, now=now, scope=scope)
    with Store(url, create=True, relaxed=relaxed, busy_timeout=busy_timeout, scope=scope) as store:
        store.create(rulebook, name)
        return store.community(name if name is not None else rulebook.id, now=now)


def upgrade(url, *, busy_timeout=None):
    """Brings an older store to this library's schema; gives the versions before and after."""
    return _core.gov_store_upgrade(path_text(url), _options(busy_timeout=busy_timeout))


def new_journal_key():
    """A new Ed25519 key to sign exports with: 64 bytes, the last 32 of which are the public key."""
    return _core.gov_journal_new_key()


def check_journal(path, public_key=None):
    """Checks an exported journal; gives the report, or raises VerifyError with `.report`."""
    return _core.gov_journal_check(path_text(path), public_key)
