--- libgov for Lua 5.4. docs/lua.md tells how it is used; library/gov.lua has the annotations.
---
--- Data problems give nil, message, code, err; misuse (a closed handle, a wrong argument) raises an error.
local core = require "gov.core"

local kinds = core.gov_kinds()
local gov = {
  version = core.gov_version(),
  language = "en", -- of messages: "en" or "zh"
  null = kinds.null,
  LEDGER_BATCH_MAX = core.GOV_LEDGER_BATCH_MAX,
}

-- ---- misuse ----

local HERE <const> = debug and debug.getinfo(1, "S").source

-- Raises a misuse at the line of whoever called this module, however deep in it the mistake was found.
local function raise(message)
  if not debug then error(message, 3) end
  local level, info = 2, nil
  repeat
    info, level = debug.getinfo(level, "Sl"), level + 1
  until not info or (info.source ~= HERE and info.currentline > 0)
  error((info and ("%s:%d: "):format(info.short_src, info.currentline) or "") .. message, 0)
end

-- ---- times, bytes, lists and maps ----

local Timestamp, Duration, Bytes = kinds.timestamp, kinds.duration, kinds.bytes
local SECOND <const> = 1000000

local function us_of(whole, what)
  return math.tointeger(whole) or raise(what .. " is a whole number of microseconds")
end

local function new_timestamp(us) return setmetatable({us = us}, Timestamp) end
local function new_duration(us) return setmetatable({us = us}, Duration) end

--- An instant: of microseconds since 1970, of RFC 3339 text, or of a table as os.date("!*t") makes it (UTC).
function gov.timestamp(from)
  if type(from) == "table" and from.year then
    from = ("%04d-%02d-%02dT%02d:%02d:%02dZ"):format(from.year, from.month, from.day, from.hour or 12,
      from.min or 0, from.sec or 0)
  end
  if type(from) == "number" then return new_timestamp(us_of(from, "a timestamp")) end
  if type(from) ~= "string" then raise("a timestamp is made of a number, a text or a table") end
  local ok, made = pcall(function()
    return core.gov_value_from_json(('{"$timestamp":%s}'):format(core.gov_value_to_json(from)))
  end)
  return ok and getmetatable(made) == Timestamp and made or raise("not an instant: " .. from)
end

local UNITS <const> = {us = 1, seconds = SECOND, minutes = 60 * SECOND, hours = 3600 * SECOND, days = 86400 * SECOND}

--- A span of time: of microseconds, or of a table such as {days = 1, hours = 2, minutes = 3, seconds = 4, us = 5}.
function gov.duration(from)
  if type(from) == "number" then return new_duration(us_of(from, "a duration")) end
  local us = 0
  for unit, n in pairs(from) do
    us = us + us_of((UNITS[unit] or raise("no unit " .. tostring(unit))) * n, "a duration")
  end
  return new_duration(us)
end

Timestamp.__index = {
  --- As os.date, in UTC.
  date = function(self, format) return os.date("!" .. (format or "%Y-%m-%dT%H:%M:%SZ"), self.us // SECOND) end,
}
Duration.__index = {
  seconds = function(self) return self.us / SECOND end,
  minutes = function(self) return self.us / UNITS.minutes end,
  hours = function(self) return self.us / UNITS.hours end,
  days = function(self) return self.us / UNITS.days end,
}

local function is(value, kind) return getmetatable(value) == kind end

local function same_kind(a, b)
  if getmetatable(a) ~= getmetatable(b) then raise("cannot compare these two") end
end

for _, kind in ipairs {Timestamp, Duration} do
  kind.__eq = function(a, b) return getmetatable(a) == getmetatable(b) and a.us == b.us end
  kind.__lt = function(a, b) same_kind(a, b) return a.us < b.us end
  kind.__le = function(a, b) same_kind(a, b) return a.us <= b.us end
  kind.__tostring = function(self)
    return (core.gov_value_to_json(self):match('^{"[^"]*":"([^"]*)"}$'))
  end
end

local function add(a, b)
  if is(b, Timestamp) then a, b = b, a end
  if is(a, Timestamp) and is(b, Duration) then return new_timestamp(a.us + b.us) end
  if is(a, Duration) and is(b, Duration) then return new_duration(a.us + b.us) end
  raise("cannot add these two")
end

local function subtract(a, b)
  if is(a, Timestamp) and is(b, Timestamp) then return new_duration(a.us - b.us) end
  if is(a, Timestamp) and is(b, Duration) then return new_timestamp(a.us - b.us) end
  if is(a, Duration) and is(b, Duration) then return new_duration(a.us - b.us) end
  raise("cannot subtract these two")
end

Timestamp.__add, Timestamp.__sub = add, subtract
Duration.__add, Duration.__sub = add, subtract
Duration.__unm = function(self) return new_duration(-self.us) end

Bytes.__eq = function(a, b) return is(a, Bytes) and is(b, Bytes) and a.bytes == b.bytes end
Bytes.__tostring = function(self) return self.bytes end
Bytes.__len = function(self) return #self.bytes end

--- A string of any bytes; plain strings are UTF-8 text.
function gov.bytes(string)
  if type(string) ~= "string" then raise("bytes are made of a string") end
  return setmetatable({bytes = string}, Bytes)
end

--- Says that a table is a list, also when it is empty ({} alone is an empty map).
function gov.list(table) return setmetatable(table or {}, kinds.list) end

--- Says that a table is a map, also when its keys are 1, 2, ...
function gov.map(table) return setmetatable(table or {}, kinds.map) end

--- A point, from degrees (WGS 84) to what records hold: units of 1e-7 degree.
function gov.point(lat, lon)
  if type(lat) ~= "number" or type(lon) ~= "number" then raise("a point is made of a latitude and a longitude in degrees") end
  if not (lat >= -90 and lat <= 90 and lon >= -180 and lon <= 180) then
    raise("a latitude is -90 to 90 degrees, a longitude -180 to 180")
  end
  return {lat = math.floor(lat * 10000000 + 0.5), lon = math.floor(lon * 10000000 + 0.5)}
end

-- ---- errors: the one way from a status to an answer ----

local Error = {__name = "gov.error"}
Error.__tostring = function(self) return self.message end

-- The caller misused the call; everything else is an answer.
local MISUSE <const> = {[core.GOV_E_ARG] = true, [core.GOV_E_ABI] = true, [core.GOV_E_STATE] = true}

local function diagnostics(handle)
  local list = {}
  for i = 0, (handle and core.gov_error_count(handle) or 0) - 1 do
    list[#list + 1] = {
      severity = core.gov_error_severity(handle, i) == core.GOV_SEVERITY_WARNING and "warning" or "error",
      code = core.gov_error_code(handle, i),
      message = core.gov_error_message(handle, i, gov.language),
      origin = core.gov_error_origin(handle, i),
      line = core.gov_error_line(handle, i),
      column = core.gov_error_column(handle, i),
      argument = function(_, name) return core.gov_error_argument(handle, i, name) end,
    }
  end
  return list
end

local function place(d)
  local where = d.origin and d.origin .. ":" or ""
  if d.line > 0 then where = where .. d.line .. ":" .. d.column .. ":" end
  return where == "" and d.message or where .. " " .. d.message
end

local function fail(thrown)
  if type(thrown) == "string" then raise(thrown) end
  if type(thrown) ~= "table" then error(thrown, 0) end
  if thrown.raised ~= nil then error(thrown.raised, 0) end
  local list = diagnostics(thrown.handle)
  local first
  for i = #list, 1, -1 do
    if list[i].severity == "error" then first = list[i] end
  end
  local message = first and place(first) or "status " .. thrown.status
  if MISUSE[thrown.status] then raise(message) end
  local err = setmetatable({message = message, code = first and first.code or "status_" .. thrown.status,
    status = thrown.status, diagnostics = list, report = thrown.answer, cause = thrown.cause}, Error)
  return nil, message, err.code, err
end

local function finish(ok, first, ...)
  if ok then return first, ... end
  return fail(first)
end

local function call(f, ...)
  return finish(pcall(f, ...))
end

-- Gives f(first, ...) when a call went well, else what the call gave.
local function after(f, first, ...)
  if first == nil then return first, ... end
  return f(first, ...)
end

-- Takes the members named from a table of options; one that is not known is a misuse.
local function pick(options, allowed)
  local picked = {}
  for name, value in pairs(options or {}) do
    if not allowed[name] then raise("there is no option '" .. tostring(name) .. "'") end
    if allowed[name] == true then picked[name] = value end
  end
  return picked
end

local function micros(when)
  if is(when, Timestamp) then return when.us end
  return math.tointeger(when) or raise("a gov.timestamp is needed")
end

-- ---- handles ----

local function leave(home, ok, ...)
  home.busy = false
  return finish(ok, ...)
end

local made = setmetatable({}, {__mode = "k"}) -- what make() below has handed out

-- A method was called on something else: object.method() instead of object:method().
local function ours(self)
  if self == nil or not made[self] then
    raise(("a method needs its object: write object:method() (got a %s)"):format(type(self)))
  end
end

-- Calls f with the handle of self. Tail-called by every method.
local function on(self, f, ...)
  ours(self)
  local handle, home = self._handle, self._home
  if not handle then raise("the " .. self._what .. " is closed") end
  if home.busy then raise("a callback must not call back into the same store") end
  home.busy = true
  return leave(home, pcall(f, handle, ...))
end

local function close(self)
  ours(self)
  local handle = self._handle
  if not handle then return end
  if self._home.busy then raise("a callback must not close the store that calls it") end
  self._handle = nil
  self._free(handle)
end

local function class(what, free)
  local methods = {_what = what, _free = free, close = close}
  function methods:closed() return self._handle == nil end
  local meta = {__index = methods, __close = close, __name = "gov." .. what}
  meta.__tostring = function(self)
    return ("gov.%s%s"):format(what, self._handle and "" or " (closed)")
  end
  local function make(handle, home, more)
    local self = more or {}
    self._handle, self._home = handle, home or {busy = false}
    made[self] = true
    return setmetatable(self, meta)
  end
  return methods, make, meta
end

local Rulebook, new_rulebook, rulebook_meta = class("rulebook", core.gov_rulebook_free)
local Scope, new_scope, scope_meta = class("scope", core.gov_scope_free)
local Expr, new_expr, expr_meta = class("expression", core.gov_expr_free)
local Simulation, new_simulation = class("simulation", core.gov_simulation_free)
local LedgerLines, new_ledger_lines = class("ledger", core.gov_ledger_lines_free)
local Store, new_store = class("store", core.gov_store_free)
local Community, new_community = class("community", core.gov_free)

-- ---- rulebooks, expressions, simulations ----

function Rulebook:id() return on(self, core.gov_rulebook_id) end
function Rulebook:version() return on(self, core.gov_rulebook_version) end
function Rulebook:digest() return on(self, core.gov_rulebook_digest) end

--- A workflow drawn as text: "svg" (default), "mermaid" or "dot"; titles in `lang`, "zh" or "en".
function Rulebook:diagram(workflow, format, lang)
  return on(self, core.gov_rulebook_diagram, workflow, format or "svg", lang)
end

--- Functions that expressions may call beside the language's own, by their signatures:
--- gov.scope {["rainfall(string, timestamp) -> double"] = rainfall}. Options: rules (a rulebook, whose values and functions expressions may
--- then use, by its zone and calendar) and now (a gov.timestamp; else this moment). Once used, it takes no more functions.
function gov.scope(functions, options)
  pick(options, {rules = true, now = true})
  local rules, now = (options or {}).rules, (options or {}).now
  local function fill(handle)
    local scope = new_scope(handle)
    for signature, f in pairs(functions or {}) do
      local done, message, code, err = scope:add(signature, f)
      if not done then
        scope:close()
        return nil, message, code, err
      end
    end
    return scope
  end
  if rules == nil then return after(fill, call(core.gov_scope_new)) end
  return after(fill, on(rules, core.gov_rulebook_scope, now and micros(now) or os.time() * SECOND))
end

--- Adds a function. Options: pure (its answer depends on its arguments alone), cost (what one call takes of an evaluation's units; 10).
function Scope:add(signature, f, options)
  pick(options, {pure = true, cost = true})
  local more = options or {}
  return on(self, core.gov_scope_add, signature, more.pure and 1 or 0, more.cost or 0, f)
end

-- Calls f with the handle of a scope, of a table of functions, or with nil; what keeps it comes second.
local function with_scope(scope, f)
  if scope == nil then return f(nil, nil) end
  if getmetatable(scope) == scope_meta then
    if not scope._handle then raise("the scope is closed") end
    return f(scope._handle, scope)
  end
  return after(function(made) return f(made._handle, made) end, gov.scope(scope))
end

--- Reads a rulebook and checks all of it. Its field `warnings` is a list of diagnostics. `scope` has the functions of this program that
--- the rules call: a scope, or a table of functions. `overlay` is a file that replaces values, roles and the title.
function gov.load_rulebook(path, today, scope, overlay)
  local us = today and micros(today) or os.time() * SECOND
  return with_scope(scope, function(functions)
    return after(function(handle, warned)
      return new_rulebook(handle, nil, {warnings = diagnostics(warned)})
    end, call(core.gov_rulebook_load, path, overlay, us, functions))
  end)
end

--- The JSON Schema (2020-12) of rulebooks as text, for editors.
function gov.schema() return call(core.gov_rulebook_schema) end

--- Every diagnostic of a rulebook, errors and warnings. Arguments as for gov.load_rulebook().
function gov.check(path, today, scope, overlay)
  local rules, message, code, err = gov.load_rulebook(path, today, scope, overlay)
  if rules then
    rules:close()
    return rules.warnings
  end
  if err.status == core.GOV_E_RULE or err.status == core.GOV_E_INPUT or err.status == core.GOV_E_LIMIT then
    return err.diagnostics
  end
  return nil, message, code, err
end

--- Runs the scenarios under a path; gives a table of `passed`, `failed`, `results`, `coverage` and `warnings`. Options: `url`, the store
--- to run them on (default: a new one in memory for each), `lang` (default: gov.language), `overlay`, a file that replaces values, roles
--- and the title.
function gov.test(path, options, scope)
  local given = {lang = gov.language}
  for k, v in pairs(options or {}) do given[k] = v end
  return with_scope(scope, function(functions)
    return after(function(report, warned)
      report.warnings = diagnostics(warned)
      return report
    end, call(core.gov_scenarios_run, path, given, functions))
  end)
end

-- Calls f with a rulebook, or with the one at a path.
local function with_rules(rulebook, f, scope)
  if getmetatable(rulebook) == rulebook_meta then return f(rulebook) end
  return after(function(loaded)
    local rules <close> = loaded
    return f(rules)
  end, gov.load_rulebook(rulebook, nil, scope))
end

--- Compiles an expression; `variables` maps the names it may use to their types ("int", "dyn", ...). Options: scope (a scope, or a
--- table of functions), container (where names are looked up first), type (what the expression must yield).
function gov.compile(source, variables, options)
  pick(options, {scope = true, container = true, type = true})
  local more = options or {}
  return with_scope(more.scope, function(functions)
    return after(function(handle)
      return new_expr(handle, nil, {source = source})
    end, call(core.gov_expr_compile, source, variables, functions, more.container, more.type))
  end)
end

function Expr:eval(bindings) return on(self, core.gov_expr_eval, bindings) end
expr_meta.__call = Expr.eval

--- Compiles and evaluates at once. `scope` as in gov.compile().
function gov.eval(source, bindings, scope)
  local variables = {}
  for name in pairs(bindings or {}) do variables[name] = "dyn" end
  return after(function(compiled)
    local expr <close> = compiled
    return expr:eval(bindings)
  end, gov.compile(source, gov.map(variables), {scope = scope}))
end

--- Answers one line of the protocol of `gov eval`: JSON in, JSON out.
function gov.eval_line(line, scope)
  return with_scope(scope, function(functions) return call(core.gov_scope_eval_line, functions, line) end)
end

--- A workflow without a store, on a clock that stands still unless told. Its field `first` is the answer before any
--- line, in JSON; `warnings` holds what is doubtful. `scope` has the functions of this program that the rules call: a scope, or a
--- table of functions. `workflow` names the one that is meant, where there are several.
function gov.simulation(path, scope, workflow)
  return with_scope(scope, function(functions)
    return after(function(handle, warned)
      local simulation = new_simulation(handle, nil, {warnings = diagnostics(warned)})
      simulation.first = simulation:line(nil)
      return simulation
    end, call(core.gov_simulation_open, path, workflow, functions))
  end)
end

function Simulation:line(line) return on(self, core.gov_simulation_line, line) end

--- A ledger in memory, driven by the line protocol of `gov ledger`, on a clock that starts at 0.
function gov.ledger_lines()
  return after(function(handle) return new_ledger_lines(handle, nil, {}) end, call(core.gov_ledger_lines_open))
end

function LedgerLines:line(line) return on(self, core.gov_ledger_line, line) end

--- Canonical JSON of a value, and back.
function gov.to_json(value)
  if value == nil then value = gov.null end
  return call(core.gov_value_to_json, value)
end
function gov.from_json(text) return call(core.gov_value_from_json, text) end

--- Name of a ledger's result; nil for a number that is none.
function gov.ledger_result_name(code) return core.gov_ledger_result_name(code) end

-- ---- stores ----

local OPEN <const> = {create = true, readonly = true, relaxed = true, busy_timeout = "ms", name = "own", now = "own", scope = "own"}

local function open_options(options)
  local picked = pick(options, OPEN)
  if options and options.busy_timeout then picked.busy_timeout_ms = math.floor(options.busy_timeout * 1000) end
  return picked
end

--- Opens a store: "x.db", "sqlite:x.db" or "postgresql://...". Options: create, readonly, relaxed, busy_timeout (seconds).
function gov.store(url, options)
  local opening = open_options(options)
  return with_scope((options or {}).scope, function(functions, kept)
    return after(function(handle) return new_store(handle, nil, {_scope = kept}) end,
      call(core.gov_store_open, url, opening, functions))
  end)
end

function Store:communities() return on(self, core.gov_community_list) end

function Store:create(rulebook, name)
  return with_rules(rulebook, function(rules) return on(self, core.gov_community_create, name, rules._handle) end, self._scope)
end

function Store:backup(path, progress) return on(self, core.gov_store_backup, path, progress) end

local function set_clock(g, now)
  if type(now) == "function" then
    g._clock = now
  elseif now ~= nil then
    g:freeze(now)
  end
  return g
end

--- Opens a community by its name; the only one, without. Options: now (a gov.timestamp, or a function that gives one).
function Store:community(name, options)
  pick(options, {now = true})
  return after(function(handle)
    return set_clock(new_community(handle, self._home), (options or {}).now)
  end, on(self, core.gov_attach, name))
end

--- Opens a community on a store. Options as in gov.store(), and name, and now (a gov.timestamp, or a function).
function gov.open(url, options)
  local opening, more = open_options(options), options or {}
  if more.name == nil then
    return with_scope(more.scope, function(functions)
      return after(function(handle) return set_clock(new_community(handle), more.now) end,
        call(core.gov_open, url, opening, functions))
    end)
  end
  return with_scope(more.scope, function(functions)
    return after(function(handle)
      local store <close> = new_store(handle)
      return store:community(more.name, {now = more.now})
    end, call(core.gov_store_open, url, opening, functions))
  end)
end

--- Creates a community with these rules (a path, or a rulebook), makes the store when it is not there, and opens it.
function gov.create(url, rulebook, options)
  local opening, more = open_options(options), options or {}
  opening.create = true
  return with_scope(more.scope, function(functions, kept)
    return with_rules(rulebook, function(rules)
      return after(function(handle)
        local store <close> = new_store(handle)
        return after(function()
          return store:community(more.name or rules:id(), {now = more.now})
        end, store:create(rules, more.name))
      end, call(core.gov_store_open, url, opening, functions))
    end, kept)
  end)
end

--- Brings an older store to this library's schema; gives the versions before and after.
function gov.upgrade(url, options)
  local opening = open_options(options)
  return call(core.gov_store_upgrade, url, opening)
end

--- A new Ed25519 key to sign exports with: 64 bytes, the last 32 of which are the public key.
function gov.new_journal_key() return call(core.gov_journal_new_key) end

--- Checks an exported journal; gives the report.
function gov.check_journal(path, public_key) return call(core.gov_journal_check, path, public_key) end

-- ---- communities ----

-- As on(), with the clock of the host set first.
local function act(self, f, ...)
  ours(self)
  if self._clock and self._handle then
    local us = micros(self._clock())
    if us < 0 then raise("a community's clock begins in 1970") end
    on(self, core.gov_set_now, us)
  end
  return on(self, f, ...)
end

function Community:act_as_host(purpose) return act(self, core.gov_act_as_host, purpose) end
function Community:act_as(staff, purpose) return act(self, core.gov_act_as, staff, purpose) end
function Community:act_as_resident(key, purpose) return act(self, core.gov_act_as_resident, key, purpose) end

function Community:begin() return act(self, core.gov_begin) end
function Community:commit() return act(self, core.gov_commit) end
function Community:rollback() return act(self, core.gov_rollback) end

local function undo(self)
  if self._handle then pcall(core.gov_rollback, self._handle) end
end

local function end_group(self, ok, first, second, ...)
  if not ok then
    undo(self)
    error(first, 0)
  end
  if first == nil and second ~= nil then
    undo(self)
    return nil, second, ...
  end
  local done, message, code, err = act(self, core.gov_commit)
  if not done then
    undo(self)
    return nil, message, code, err
  end
  if first == nil then return true end
  return first, second, ...
end

-- pcall(f) where f cannot yield: who forgot the coroutine would leave the transaction open for ever.
local gsub <const> = string.gsub
local function without_yield(f)
  local results
  gsub("x", "x", function() results = table.pack(pcall(f)) end)
  if not results[1] and results[2] == "attempt to yield across a C-call boundary" then
    results[2] = "a group must not yield"
  end
  return table.unpack(results, 1, results.n)
end

--- Calls f() within one transaction: committed when it returns, rolled back when it raises, or returns nil and a message. f cannot
--- yield out of the group.
function Community:group(f)
  local ok, message, code, err = act(self, core.gov_begin)
  if not ok then return nil, message, code, err end
  return end_group(self, without_yield(f))
end

--- The community's clock, a gov.timestamp.
function Community:now()
  local us = act(self, core.gov_now)
  return new_timestamp(us)
end

--- Lets the clock stand still at a gov.timestamp.
function Community:freeze(when)
  local us = micros(when)
  if us < 0 then raise("a community's clock begins in 1970") end
  self._clock = nil
  return on(self, core.gov_set_now, us)
end

--- Lets the clock run with the system's again.
function Community:unfreeze()
  self._clock = nil
  return on(self, core.gov_run_clock)
end

--- The instant of a time as people write it ("2026-03-02 09:05"), in the community's time zone.
function Community:parse_time(text)
  return after(new_timestamp, act(self, core.gov_time_parse, text))
end

--- A time in the community's time zone, with its offset: "2026-03-02T09:05:00+08:00".
function Community:format_time(when) return act(self, core.gov_time_format, micros(when)) end

function Community:tick(max) return act(self, core.gov_tick, max or 0) end
function Community:about() return act(self, core.gov_about) end

function Community:install(rulebook)
  return with_rules(rulebook, function(rules) return act(self, core.gov_install, rules._handle) end)
end

--- Moves running cases to other rules (nil: those in force). With dry_run nothing changes, and `past` tells what would have gone otherwise.
function Community:migrate(rulebook, dry_run)
  local flags = dry_run and 1 or 0
  if rulebook == nil then return act(self, core.gov_migrate, nil, flags) end
  return with_rules(rulebook, function(rules) return act(self, core.gov_migrate, rules._handle, flags) end)
end

function Community:put(kind, key, fields) return act(self, core.gov_record_put, kind, key, fields) end
function Community:get(kind, key) return act(self, core.gov_record_get, kind, key) end
function Community:locate(points) return act(self, core.gov_locate, points) end

-- An iterator over pages; `fetch(cursor)` gives a page's items and the next cursor. A failure on the way is an error, and so is to go
-- on with what is closed, also within a page.
local function pages(self, fetch)
  local items, at, cursor, last = {}, 0, nil, false
  return function()
    if not self._handle then raise("the " .. self._what .. " is closed") end
    while at >= #items do
      if last then return nil end
      items, cursor = fetch(cursor)
      at, last = 0, cursor == nil
    end
    at = at + 1
    return items[at]
  end
end

local function page(list, answer, _, _, err)
  if answer == nil then error(err, 0) end
  return answer[list], answer.next
end

--- The records of a kind: for r in g:records("resident", {where = "it.birth_year < 1946"}) do ... end. Query: where (a filter in
--- CEL), order (a name of it, with asc or desc behind it; else by key), limit (rows of a page).
function Community:records(kind, query)
  local asked = {limit = 1000}
  for name, value in pairs(query or {}) do asked[name] = value end
  return pages(self, function(cursor)
    asked.cursor = cursor
    return page("records", act(self, core.gov_record_list, kind, asked))
  end)
end

--- Runs an operation of a programme, such as "points.redeem"; gives its answer. Options: idempotency_key.
function Community:run(operation, input, options)
  return act(self, core.gov_operation_run, operation, input, options)
end

--- What run() knows: a list of tables with name, permission, writes and operands.
function Community:operations() return act(self, core.gov_operation_list) end

--- Opens a case; gives its id. Options: reporter, grid, source, number, idempotency_key.
function Community:open_case(workflow, fields, options)
  return act(self, core.gov_case_open, workflow, fields, options)
end

--- Sends an event to a case. Options: idempotency_key.
function Community:send(id, event, data, options) return act(self, core.gov_case_send, id, event, data, options) end
function Community:find_case(number, source) return act(self, core.gov_case_find, source, number) end
function Community:case(id) return act(self, core.gov_case_get, id) end
function Community:history(id) return act(self, core.gov_case_history, id) end
function Community:explain(id) return act(self, core.gov_case_explain, id) end

--- The cases that fit: where (a filter in CEL), order (a name of it, with asc or desc behind it; else as opened), workflow, grid, unit, field, equals, open_only, overdue_only, limit (rows of a
--- page).
function Community:cases(query)
  local asked = {limit = 1000}
  for name, value in pairs(query or {}) do asked[name] = value end
  return pages(self, function(cursor)
    asked.cursor = cursor
    return page("cases", act(self, core.gov_case_list, asked))
  end)
end

function Community:new_ids(n) return act(self, core.gov_ledger_new_ids, n or 1) end

-- A batch of none is answered without a call.
local function batch(self, f, list)
  if type(list) == "table" and next(list) == nil and self._handle then return gov.list {} end
  return act(self, f, list)
end

function Community:create_accounts(accounts) return batch(self, core.gov_ledger_create_accounts, accounts) end
function Community:transfer(transfers) return batch(self, core.gov_ledger_transfer, transfers) end
function Community:accounts(ids) return batch(self, core.gov_ledger_lookup_accounts, ids) end
function Community:transfers(ids) return batch(self, core.gov_ledger_lookup_transfers, ids) end

local function statement(self, f, account, filter)
  local asked = {account = account}
  for name, value in pairs(filter or {}) do asked[name] = value end
  local left = asked.limit
  return pages(self, function()
    asked.limit = left
    local rows, _, _, err = act(self, f, asked)
    if rows == nil then error(err, 0) end
    if left then left = left - #rows end
    if #rows == 0 or left == 0 then return rows, nil end
    local edge = rows[#rows].timestamp + (asked.reversed and -1 or 1)
    asked[asked.reversed and "timestamp_max" or "timestamp_min"] = edge
    return rows, edge > 0 or nil
  end)
end

--- An account's transfers, and its balances after each change, in order; filters as in gov_ledger_filter.
function Community:account_transfers(account, filter)
  return statement(self, core.gov_ledger_account_transfers, account, filter)
end

function Community:account_balances(account, filter)
  return statement(self, core.gov_ledger_account_balances, account, filter)
end

--- Points: options are programme and kind (and before, limit for the statement).
function Community:points(key, options)
  local o = pick(options, {programme = true, kind = true})
  return act(self, core.gov_points_balance, o.programme, o.kind, key)
end

function Community:points_statement(key, options)
  local o = pick(options, {programme = true, kind = true, before = true, limit = true})
  return act(self, core.gov_points_statement, o.programme, o.kind, key, o.before and micros(o.before) or 0, o.limit or 0)
end

--- Gives points by hand, or takes them, under one of the programme's rules. The amount is the rule's own without one.
function Community:award(key, rule, amount, options)
  local o = pick(options, {programme = true, kind = true})
  return act(self, core.gov_points_award, o.programme, o.kind, key, rule, amount or 0)
end

--- Beside the batches: caps, lots, balances at an instant (recorded, or effective), notes, the journal for hledger.
function Community:set_cap(cap) return act(self, core.gov_ledger_cap_set, cap) end
function Community:caps(ledger) return act(self, core.gov_ledger_caps, ledger) end
function Community:lots(account) return act(self, core.gov_ledger_lots, account) end
function Community:balance_at(account, at, effective)
  return act(self, core.gov_ledger_balance_at, account, micros(at), effective and 1 or 0)
end
function Community:put_note(kind, id, note) return act(self, core.gov_ledger_note_put, kind, id, note) end
function Community:note(kind, id) return act(self, core.gov_ledger_note_get, kind, id) end
function Community:export_ledger(ledger) return act(self, core.gov_ledger_export, ledger or 0) end

function Community:points_top(limit, programme) return act(self, core.gov_points_top, programme, limit or 0) end
function Community:points_totals() return act(self, core.gov_points_totals) end

--- The journal's entries in order, after the entry of that id.
function Community:journal(after_entry, size)
  return pages(self, function(cursor)
    return page("entries", act(self, core.gov_journal_read, cursor or after_entry or 0, size or 1000))
  end)
end

function Community:verify(progress) return act(self, core.gov_verify, progress) end
function Community:export_journal(path, secret_key) return act(self, core.gov_journal_export, path, secret_key) end

--- Options of the three: from, to (gov.timestamp), lang, workflow, public.
function Community:report(options) return act(self, core.gov_report, options) end
function Community:report_text(options) return act(self, core.gov_report_text, options) end
function Community:report_html(options) return act(self, core.gov_report_html, options) end

--- Imports a file as its map says. Options: file, refused, lang (of the reasons there), batch, dry_run, progress.
function Community:import(map, options)
  local picked = pick(options, {file = true, refused = true, lang = true, batch = true, dry_run = true, progress = "own"})
  return act(self, core.gov_import, map, picked, (options or {}).progress)
end

--- The instant at which the last replay of an import left the clock; false when nothing was replayed.
function Community:replayed_until()
  return after(function(us) return us >= 0 and new_timestamp(us) end, act(self, core.gov_replayed_until))
end

return gov
