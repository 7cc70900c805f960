---@meta
-- Annotations for the Lua language server: add this folder to `workspace.library`.

---@class gov
---@field version string
---@field language "en"|"zh" of messages
---@field null lightuserdata null, where a table cannot hold nil
---@field LEDGER_BATCH_MAX integer
local gov = {}

---What crosses into libgov and comes back: booleans, integers of 64 bits, floats, UTF-8 strings, tables, and the four kinds below.
---@alias gov.value any
---@alias gov.fields table<string, gov.value>
---@alias gov.progress fun(done: integer, total: integer)

---@class gov.timestamp
---@field us integer microseconds since 1970
---@field date fun(self: gov.timestamp, format?: string): string
---@operator add(gov.duration): gov.timestamp
---@operator sub(gov.duration): gov.timestamp

---@class gov.duration
---@field us integer microseconds
---@field seconds fun(self: gov.duration): number
---@field minutes fun(self: gov.duration): number
---@field hours fun(self: gov.duration): number
---@field days fun(self: gov.duration): number
---@operator add(gov.duration): gov.duration
---@operator sub(gov.duration): gov.duration
---@operator unm: gov.duration

---@class gov.bytes
---@field bytes string

---@class gov.diagnostic
---@field severity "error"|"warning"
---@field code string
---@field message string
---@field origin? string
---@field line integer 0: none
---@field column integer
---@field argument fun(self: gov.diagnostic, name: string): string?

---The fourth value of a call that failed: nil, message, code, err.
---@class gov.error
---@field message string
---@field code string
---@field status integer
---@field diagnostics gov.diagnostic[]
---@field report? table
---@field cause? any what a function of this program threw, when that is why

---@class gov.open_options
---@field create? boolean
---@field readonly? boolean
---@field relaxed? boolean
---@field busy_timeout? number seconds
---@field name? string of the community
---@field now? gov.timestamp|fun(): gov.timestamp
---@field scope? gov.functions functions of this program that the rules call

---@param from integer|string|table microseconds since 1970, RFC 3339, or as os.date("!*t") gives it
---@return gov.timestamp
function gov.timestamp(from) end

---@param from integer|table<"days"|"hours"|"minutes"|"seconds"|"us", number>
---@return gov.duration
function gov.duration(from) end

---@param string string
---@return gov.bytes
function gov.bytes(string) end

---@param table? table
---@return table
function gov.list(table) end

---@param table? table
---@return table
function gov.map(table) end

---@param lat number degrees
---@param lon number degrees
---@return {lat: integer, lon: integer}
function gov.point(lat, lon) end

---@param url string "x.db", "sqlite:x.db" or "postgresql://..."
---@param options? gov.open_options
---@return gov.community? g, string? message, string? code, gov.error? err
function gov.open(url, options) end

---@param url string
---@param rulebook string|gov.rulebook
---@param options? gov.open_options
---@return gov.community? g, string? message, string? code, gov.error? err
function gov.create(url, rulebook, options) end

---@param url string
---@param options? gov.open_options
---@return gov.store? store, string? message, string? code, gov.error? err
function gov.store(url, options) end

---@param url string
---@param options? gov.open_options
---@return integer? from, integer|string to, string? code, gov.error? err
function gov.upgrade(url, options) end

---@alias gov.functions gov.scope|table<string, function> a scope, or functions by their signatures

---@param functions? table<string, function>
---@param options? {rules?: gov.rulebook, now?: gov.timestamp}
---@return gov.scope? scope, string? message, string? code, gov.error? err
function gov.scope(functions, options) end

---@param path string
---@param today? gov.timestamp
---@param scope? gov.functions
---@param overlay? string
---@return gov.rulebook? rules, string? message, string? code, gov.error? err
function gov.load_rulebook(path, today, scope, overlay) end

---The JSON Schema (2020-12) of rulebooks, for editors.
---@return string? text, string? message, string? code, gov.error? err
function gov.schema() end

---@param path string
---@param today? gov.timestamp
---@param scope? gov.functions
---@param overlay? string
---@return gov.diagnostic[]? list, string? message, string? code, gov.error? err
function gov.check(path, today, scope, overlay) end

---@param path string
---@param options? {url: string?, lang: string?, overlay: string?}
---@param scope? gov.functions
---@return table? report, string? message, string? code, gov.error? err
function gov.test(path, options, scope) end

---@param path string
---@param public_key? string 32 bytes
---@return table? report, string? message, string? code, gov.error? err
function gov.check_journal(path, public_key) end
---@return string? secret_key, string? message, string? code, gov.error? err
function gov.new_journal_key() end

---@param source string
---@param variables? table<string, string>
---@param options? {scope?: gov.functions, container?: string, type?: string}
---@return gov.expression? expr, string? message, string? code, gov.error? err
function gov.compile(source, variables, options) end

---@param source string
---@param bindings? gov.fields
---@param scope? gov.functions
---@return gov.value value, string? message, string? code, gov.error? err
function gov.eval(source, bindings, scope) end

---@param line string
---@param scope? gov.functions
---@return string? answer, string? message, string? code, gov.error? err
function gov.eval_line(line, scope) end

---@param path string
---@param scope? gov.functions
---@param workflow? string
---@return gov.simulation? simulation, string? message, string? code, gov.error? err
function gov.simulation(path, scope, workflow) end

---@return gov.ledger_lines? lines, string? message, string? code, gov.error? err
function gov.ledger_lines() end

---@param value gov.value
---@return string? json, string? message, string? code, gov.error? err
function gov.to_json(value) end

---@param text string
---@return gov.value value, string? message, string? code, gov.error? err
function gov.from_json(text) end

---@param code integer
---@return string? name
function gov.ledger_result_name(code) end

---@class gov.handle
local Handle = {}
---Frees it at once; twice does nothing.
function Handle:close() end
---@return boolean
function Handle:closed() end

---@class gov.rulebook: gov.handle
---@field warnings gov.diagnostic[]
local Rulebook = {}
---@return string
function Rulebook:id() end
---@return string
function Rulebook:version() end
---@return string
function Rulebook:digest() end
---A workflow drawn as text.
---@param workflow string
---@param format? "svg"|"mermaid"|"dot"
---@param lang? "zh"|"en"
---@return string? text, string? message, string? code, gov.error? err
function Rulebook:diagram(workflow, format, lang) end

---@class gov.scope: gov.handle
local Scope = {}
---@param signature string "rainfall(string, timestamp) -> double"
---@param f function
---@param options? {pure?: boolean, cost?: integer}
---@return true? done, string? message, string? code, gov.error? err
function Scope:add(signature, f, options) end

---@class gov.expression: gov.handle
---@field source string
---@overload fun(bindings?: gov.fields): gov.value
local Expr = {}
---@param bindings? gov.fields
---@return gov.value value, string? message, string? code, gov.error? err
function Expr:eval(bindings) end

---@class gov.simulation: gov.handle
---@field first string the answer before any line
---@field warnings gov.diagnostic[]
local Simulation = {}
---@param line string?
---@return string? answer, string? message, string? code, gov.error? err
function Simulation:line(line) end

---@class gov.ledger_lines: gov.handle
local LedgerLines = {}
---@param line string
---@return string? answer, string? message, string? code, gov.error? err
function LedgerLines:line(line) end

---@class gov.store: gov.handle
local Store = {}
---@return table[]? list, string? message, string? code, gov.error? err
function Store:communities() end
---@param rulebook string|gov.rulebook
---@param name? string
---@return integer? id, string? message, string? code, gov.error? err
function Store:create(rulebook, name) end
---@param name? string
---@param options? {now: gov.timestamp|fun(): gov.timestamp}
---@return gov.community? g, string? message, string? code, gov.error? err
function Store:community(name, options) end
---@param path string
---@param progress? gov.progress
---@return true? ok, string? message, string? code, gov.error? err
function Store:backup(path, progress) end

---@class gov.community: gov.handle
local Community = {}
---@param purpose string
---@return true? ok, string? message, string? code, gov.error? err
function Community:act_as_host(purpose) end
---@param staff string
---@param purpose string
---@return true? ok, string? message, string? code, gov.error? err
function Community:act_as(staff, purpose) end
---@param key string
---@param purpose string
---@return true? ok, string? message, string? code, gov.error? err
function Community:act_as_resident(key, purpose) end
---@return true? ok, string? message, string? code, gov.error? err
function Community:begin() end
---@return true? ok, string? message, string? code, gov.error? err
function Community:commit() end
---@return true? ok, string? message, string? code, gov.error? err
function Community:rollback() end
---@param f fun(): ...
---@return any ...
function Community:group(f) end
---@return gov.timestamp
function Community:now() end
---@param when gov.timestamp
---@return true? ok, string? message, string? code, gov.error? err
function Community:freeze(when) end
---@return true? ok, string? message, string? code, gov.error? err
function Community:unfreeze() end
---@param text string
---@return gov.timestamp? when, string? message, string? code, gov.error? err
function Community:parse_time(text) end
---@param when gov.timestamp
---@return string? text, string? message, string? code, gov.error? err
function Community:format_time(when) end
---@param max? integer
---@return {fired: integer, failed: integer, parked: integer, next: gov.timestamp?, next_provisional: boolean}? result, string? message, string? code, gov.error? err
function Community:tick(max) end
---@return table? about, string? message, string? code, gov.error? err
function Community:about() end
---@param rulebook string|gov.rulebook
---@return true? ok, string? message, string? code, gov.error? err
function Community:install(rulebook) end
---@param rulebook? string|gov.rulebook
---@param dry_run? boolean
---@return table? report, string? message, string? code, gov.error? err
function Community:migrate(rulebook, dry_run) end
---@param kind string
---@param key string
---@param fields gov.fields
---@return integer? id, string? message, string? code, gov.error? err
function Community:put(kind, key, fields) end
---@param kind string
---@param key string
---@return table? record, string? message, string? code, gov.error? err
function Community:get(kind, key) end
---@param kind string
---@param size? integer rows of a page
---@return fun(): table?
function Community:records(kind, size) end
---@param points table[] {latitude, longitude} or {lat=, lon=}, in degrees
---@return integer[]? ids, string? message, string? code, gov.error? err
function Community:locate(points) end
---@param operation string such as "points.redeem"
---@param input? gov.fields its operands
---@param options? {idempotency_key?: string}
---@return any answer, string? message, string? code, gov.error? err
function Community:run(operation, input, options) end
---@return table[]? operations, string? message, string? code, gov.error? err
function Community:operations() end
---@param workflow string
---@param fields? gov.fields
---@param options? {reporter?: string, grid?: string, source?: string, number?: string, idempotency_key?: string}
---@return integer? id, string? message, string? code, gov.error? err
function Community:open_case(workflow, fields, options) end
---@param id integer
---@param event string
---@param data? gov.fields
---@param options? {idempotency_key?: string}
---@return true? ok, string? message, string? code, gov.error? err
function Community:send(id, event, data, options) end
---@param number string
---@param source? string
---@return integer? id, string? message, string? code, gov.error? err
function Community:find_case(number, source) end
---@param id integer
---@return table? case, string? message, string? code, gov.error? err
function Community:case(id) end
---@param query? {where?: string, workflow?: string, grid?: string, unit?: string, field?: string, equals?: string, open_only?: boolean, overdue_only?: boolean, limit?: integer}
---@return fun(): table?
function Community:cases(query) end
---@param id integer
---@return table[]? history, string? message, string? code, gov.error? err
function Community:history(id) end
---@param id integer
---@return table? explained, string? message, string? code, gov.error? err
function Community:explain(id) end
---@param n? integer
---@return integer[]? ids, string? message, string? code, gov.error? err
function Community:new_ids(n) end
---@param accounts table[]
---@return {result: string, code: integer, timestamp: integer}[]? results, string? message, string? code, gov.error? err
function Community:create_accounts(accounts) end
---@param transfers table[]
---@return {result: string, code: integer, timestamp: integer}[]? results, string? message, string? code, gov.error? err
function Community:transfer(transfers) end
---@param ids integer[]
---@return table[]? accounts, string? message, string? code, gov.error? err
function Community:accounts(ids) end
---@param ids integer[]
---@return table[]? transfers, string? message, string? code, gov.error? err
function Community:transfers(ids) end
---@param account integer
---@param filter? table
---@return fun(): table?
function Community:account_transfers(account, filter) end
---@param account integer
---@param filter? table
---@return fun(): table?
function Community:account_balances(account, filter) end
---@param key string
---@param options? {programme?: string, kind?: string}
---@return integer? points, string? message, string? code, gov.error? err
function Community:points(key, options) end
---@param key string
---@param options? {programme?: string, kind?: string, before?: gov.timestamp, limit?: integer}
---@return table[]? rows, string? message, string? code, gov.error? err
function Community:points_statement(key, options) end
---@param key string
---@param rule string
---@param amount? integer
---@param options? {programme?: string, kind?: string}
---@return true? ok, string? message, string? code, gov.error? err
function Community:award(key, rule, amount, options) end
---@param limit? integer
---@param programme? string
---@return {rank: integer, points: integer}[]? rows, string? message, string? code, gov.error? err
function Community:points_top(limit, programme) end
---@return table[]? rows, string? message, string? code, gov.error? err
function Community:points_totals() end
---@param cap table
---@return true? done, string? message, string? code, gov.error? err
function Community:set_cap(cap) end
---@param ledger integer
---@return table[]? caps, string? message, string? code, gov.error? err
function Community:caps(ledger) end
---@param account integer
---@return table[]? lots, string? message, string? code, gov.error? err
function Community:lots(account) end
---@param account integer
---@param at integer|gov.time
---@param effective? boolean
---@return table? balances, string? message, string? code, gov.error? err
function Community:balance_at(account, at, effective) end
---@param kind "account"|"transfer"
---@param id integer
---@param note table
---@return true? done, string? message, string? code, gov.error? err
function Community:put_note(kind, id, note) end
---@param kind "account"|"transfer"
---@param id integer
---@return table? note, string? message, string? code, gov.error? err
function Community:note(kind, id) end
---@param ledger? integer
---@return string? text, string? message, string? code, gov.error? err
function Community:export_ledger(ledger) end
---@param after_entry? integer
---@param size? integer rows of a page
---@return fun(): table?
function Community:journal(after_entry, size) end
---@param progress? gov.progress
---@return table? report, string? message, string? code, gov.error? err
function Community:verify(progress) end
---@param path string
---@param secret_key? string 64 bytes
---@return true? ok, string? message, string? code, gov.error? err
function Community:export_journal(path, secret_key) end
---@param options? {from?: gov.timestamp, to?: gov.timestamp, lang?: string, workflow?: string, public?: boolean}
---@return table? report, string? message, string? code, gov.error? err
function Community:report(options) end
---@param options? {from?: gov.timestamp, to?: gov.timestamp, lang?: string, workflow?: string, public?: boolean}
---@return string? text, string? message, string? code, gov.error? err
function Community:report_text(options) end
---@param options? {from?: gov.timestamp, to?: gov.timestamp, lang?: string, workflow?: string, public?: boolean}
---@return string? html, string? message, string? code, gov.error? err
function Community:report_html(options) end
---@param map string
---@param options? {file?: string, refused?: string, lang?: string, batch?: integer, dry_run?: boolean, progress?: gov.progress}
---@return table? done, string? message, string? code, gov.error? err
function Community:import(map, options) end
---@return gov.timestamp|false|nil when, string? message, string? code, gov.error? err
function Community:replayed_until() end

return gov
