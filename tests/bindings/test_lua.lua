-- The Lua module, as its users meet it. tests/checks/bindings.py installs the module and runs this; by hand, with a build
-- of -DGOV_BINDINGS=ON:
--   LUA_PATH='build/release/lua/?/init.lua;;' LUA_CPATH='build/release/lua/?.so;;' lua5.4 tests/bindings/test_lua.lua
local gov = require "gov"

local root = arg[0]:match("^(.*)/tests/bindings/") or "."
local RULES <const> = root .. "/examples/quickstart"
local MONDAY <const> = gov.timestamp("2026-03-02T01:00:00Z")
local BIG <const> = math.maxinteger - 1

local folder = assert(io.popen("mktemp -d")):read("l")
local made, failures, schemas = 0, 0, 0

-- ---- a small test frame ----

local Skip = {}
local function skip(why) error(setmetatable({why = why}, Skip), 0) end

local function show(v, depth)
  depth = depth or 0
  if type(v) ~= "table" or depth > 4 then return tostring(v) end
  local keys, parts = {}, {}
  for k in pairs(v) do keys[#keys + 1] = k end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  for _, k in ipairs(keys) do parts[#parts + 1] = ("%s=%s"):format(k, show(v[k], depth + 1)) end
  return "{" .. table.concat(parts, ", ") .. "}"
end

local function same(a, b)
  if type(a) ~= type(b) or math.type(a) ~= math.type(b) then return false end
  if type(a) ~= "table" then return a == b or (a ~= a and b ~= b) end
  for k, v in pairs(a) do
    if not same(v, b[k]) then return false end
  end
  for k in pairs(b) do
    if a[k] == nil then return false end
  end
  return true
end

local function equal(got, want, what)
  if not same(got, want) then
    error(("%s%s, not %s"):format(what and what .. ": " or "", show(got), show(want)), 2)
  end
end

local function fails(code, ok, message, got)
  if ok ~= nil or type(message) ~= "string" or got ~= code then
    error(("%s, %s, %s; not nil, a message, %s"):format(show(ok), show(message), show(got), code), 2)
  end
end

-- A misuse raises an error that says so, at the line of the caller.
local function raises(pattern, f, ...)
  local ok, message = pcall(f, ...)
  if ok then error("nothing was raised", 2) end
  if not tostring(message):find(pattern) then
    error(("raised %s, which has no %q"):format(show(message), pattern), 2)
  end
  return message
end

local function test(name, f)
  local ok, why = xpcall(f, function(e)
    return getmetatable(e) == Skip and e or debug.traceback(tostring(e), 2)
  end)
  if ok then
    print("ok lua: " .. name)
  elseif getmetatable(why) == Skip then
    print(("skip lua: %s - %s"):format(name, why.why))
  else
    failures = failures + 1
    print(("not ok lua: %s - %s"):format(name, why:gsub("\n.*", "")))
    print((why:gsub("^", "  "):gsub("\n", "\n  ")))
  end
  io.stdout:flush()
end

local function new_path(ending)
  made = made + 1
  return ("%s/%d%s"):format(folder, made, ending or ".db")
end

local function write(ending, text)
  local path = new_path(ending)
  local f <close> = assert(io.open(path, "w"))
  f:write(text)
  return path
end

local function postgres_url()
  local url = os.getenv("GOV_TEST_PG")
  if not url or url == "" then skip "no PostgreSQL server" end
  schemas = schemas + 1
  local schema = ("lua_%d_%s_%d"):format(os.time(), folder:match("%w+$"):lower(), schemas)
  if not os.execute(("psql -qX '%s' -c 'CREATE SCHEMA %s' >/dev/null 2>&1"):format(url, schema)) then skip "no psql" end
  return url .. (url:find("?", 1, true) and "&" or "?") .. "options=-csearch_path%3D" .. schema
end

local function community(engine)
  local url = engine == "postgres" and postgres_url() or new_path()
  local g = assert(gov.create(url, RULES, {now = MONDAY}))
  assert(g:act_as_host("test"))
  assert(g:put("unit", "U05", {name = "Lamps"}))
  assert(g:put("staff", "li", {name = "Li", roles = {"dispatcher"}}))
  assert(g:put("staff", "wang", {name = "Wang", roles = {"repairer"}, unit = "U05"}))
  return g, url
end

local function on_both(name, f)
  local only = os.getenv("GOV_TEST_STORES")
  for _, engine in ipairs {"sqlite", "postgres"} do
    if not only or only == "" or only == engine then
      test(name .. " on " .. engine, function() f(engine) end)
    end
  end
end

-- ---- values ----

local function both_ways(v) return gov.from_json(assert(gov.to_json(v))) end

test("every kind comes back as it went", function()
  for _, v in ipairs {true, false, 0, 1, -1, math.maxinteger, math.mininteger, 2^53 + 0.0, 0.1, 1e300, 5e-324, 1.0,
      math.huge, -math.huge, "", "路灯不亮", "\1\"\\\u{1F600}", gov.list {}, gov.list {1, gov.list {"a"}}, {a = {b = 1}},
      {[10] = "x", [-3] = true}, {["$x"] = 1}, {[true] = "t"}, gov.bytes "", gov.bytes "\0\xff", gov.bytes "abcd",
      gov.timestamp(0), gov.timestamp(-1), MONDAY, gov.duration(0), gov.duration(-1500000), gov.duration {days = 3650}} do
    local back = both_ways(v)
    equal(back, v)
    assert(getmetatable(back) == getmetatable(v), "another kind: " .. show(v))
  end
  local nan = both_ways(0 / 0)
  assert(nan ~= nan)
  assert(both_ways(gov.null) == gov.null)
  equal(both_ways {1, gov.null, 3}, gov.list {1, gov.null, 3})
  equal(both_ways {a = gov.null, b = 1}, {b = 1})
  equal(gov.to_json {}, "{}")
  equal(gov.to_json(gov.list {}), "[]")
  equal(gov.to_json(gov.map {"a"}), gov.to_json(gov.map {[1] = "a"}))
end)

test("integers keep all their 64 bits", function()
  for _, n in ipairs {2^53 | 0, (2^53 | 0) + 1, math.maxinteger, math.maxinteger - 1, math.mininteger} do
    equal(gov.eval("n", {n = n}), n)
    equal(gov.eval("n - 1 + 1", {n = math.max(n, math.mininteger + 1)}), math.max(n, math.mininteger + 1))
  end
  local g <close> = community()
  local results = assert(g:create_accounts {{id = BIG, ledger = 1, code = 1}, {id = 7, ledger = 1, code = 1}})
  equal({results[1].result, results[2].result}, {"created", "created"})
  equal(assert(g:accounts {BIG})[1].id, BIG)
  fails("case_unknown", g:case(math.maxinteger))
end)

test("what is no value is refused", function()
  local loop = {}
  loop[1] = loop
  local wide = {}
  wide[1], wide[2] = wide, wide
  for _, v in ipairs {loop, wide, print, io.stdout, coroutine.create(print), {1, 2, x = 3}, {[1.5] = 1}, {[{}] = 1}} do
    raises("", gov.to_json, v)
  end
  raises("sequence or a map", gov.to_json, {1, x = 2})
  raises("nested", gov.to_json, loop)
  raises("other keys", gov.to_json, gov.list {x = 1})
  fails("bad_json", gov.to_json("\xff"))
  raises("", gov.eval, "1\0", 5)
  raises("zero byte", gov.open, "a\0b")
end)

test("depth ends at 64 levels", function()
  local deep, value = nil, 1
  for level = 1, 65 do
    value = level % 2 == 1 and gov.list {value} or {a = value}
    if level == 64 then deep = value end
  end
  equal(both_ways(deep), deep)
  raises("64", gov.to_json, value)
  assert(gov.from_json(("["):rep(100000) .. ("]"):rep(100000)) == nil)
end)

test("times", function()
  equal(tostring(MONDAY), "2026-03-02T01:00:00Z")
  equal(gov.timestamp {year = 2026, month = 3, day = 2, hour = 1}, MONDAY)
  equal(gov.timestamp(MONDAY.us), MONDAY)
  equal(MONDAY:date(), "2026-03-02T01:00:00Z")
  equal(tostring(gov.duration {seconds = 1, us = 500000}), "1.5s")
  local day = gov.duration {days = 1}
  equal((MONDAY + day) - MONDAY, day)
  equal(MONDAY + day - day, MONDAY)
  equal((day + day):hours(), 48.0)
  assert(MONDAY < MONDAY + day and MONDAY <= MONDAY and -day < day)
  raises("compare", function() return MONDAY < day end)
  raises("add", function() return MONDAY + MONDAY end)
  raises("instant", gov.timestamp, "tomorrow")
  raises("unit", gov.duration, {weeks = 1})
  assert(MONDAY ~= gov.duration(MONDAY.us))
end)

test("errors have code, place and diagnostics", function()
  local _, message, code, err = gov.eval("1 +\n  nme", {name = 1})
  equal(err.diagnostics[1].line, 2)
  equal(code, err.diagnostics[1].code)
  equal(err.diagnostics[1]:argument("near"), "name")
  equal(tostring(err), message)
  assert(message:find("^2:3: "), message)
  fails("divide_by_zero", gov.eval("1 / z", {z = 0}))
  assert(gov.eval("18446744073709551615u == 18446744073709551615u"))
  raises("integers cannot hold", gov.eval, "18446744073709551615u")
  equal({gov.eval("null")}, {gov.null})
  equal(gov.eval("1 > 2"), false)
end)

test("options of expressions", function()
  assert(gov.compile("a + 1", {a = "string"}) == nil)
  assert(gov.compile("a + 1", {a = "int"}, {type = "bool"}) == nil)
  equal(assert(gov.compile("n", {["a.b.n"] = "int", n = "int"}, {container = "a.b"})) {["a.b.n"] = 1, n = 2}, 1)
  raises("scpoe", gov.compile, "1", nil, {scpoe = {}})
end)

test("functions that expressions call", function()
  local calls = 0
  local scope = assert(gov.scope {["rainfall(string, timestamp) -> double"] = function(where, at)
    calls = calls + 1
    assert(at == MONDAY)
    if where == "east" then error("no gauge", 0) end
    if where == "table" then error {} end
    return ({west = 12.5, odd = "much"})[where]
  end})
  assert(scope:add("int.twice() -> int", function(n) return 2 * n end, {pure = true, cost = 1}))
  local e = assert(gov.compile("rainfall(where, t) + double(2.twice())", {where = "string", t = "timestamp"}, {scope = scope}))
  equal(e {where = "west", t = MONDAY}, 16.5)
  equal(calls, 1)
  raises("in use", scope.add, scope, "late() -> int", print)
  local _, message, code = e {where = "east", t = MONDAY}
  equal(code, "host_stopped")
  assert(message:find("no gauge"), message)
  fails("host_stopped", e {where = "table", t = MONDAY})
  fails("host_type", e {where = "odd", t = MONDAY})
  fails("wrong_argument", gov.compile("rainfall(1, t)", {t = "timestamp"}, {scope = scope}))
  scope:close()
  collectgarbage()
  equal(e {where = "west", t = MONDAY}, 16.5)
  equal(coroutine.wrap(function() return e {where = "west", t = MONDAY} end)(), 16.5)
  equal(gov.eval("f([1, 2], {'a': 3})", {}, {["f(dyn, dyn) -> dyn"] = function(a, b) return gov.list {b, a} end}),
    {{a = 3}, {1, 2}})
  assert(gov.eval_line('{"expr":"f()"}', {["f() -> int"] = function() return 7 end}):find("7"))
  raises("no signature", gov.scope, {["f"] = print})
  fails("function_taken", gov.scope {["size(string) -> int"] = print})
  raises("function", gov.scope, {["f() -> int"] = 1})
end)

test("what a function throws is kept; values have the declared types", function()
  local thrown = {why = "no gauge"}
  local scope = assert(gov.scope {["f() -> int"] = function() error(thrown) end, ["u(uint) -> uint"] = function(n) return n + 1 end,
    ["o(int) -> optional(int)"] = function(n) if n > 0 then return n end end, ["l(dyn) -> list(int)"] = function(v) return v end})
  local _, _, code, err = gov.eval("f()", {}, scope)
  equal(code, "host_stopped")
  assert(err.cause == thrown)
  local _, _, other, plain = gov.eval("l([1, 'x'])", {}, scope)
  equal(other, "host_type")
  assert(plain.cause == nil)
  equal(gov.eval("u(2u) + 1u == 4u", {}, scope), true)
  equal(gov.eval("[o(0).hasValue(), o(2).value() == 2]", {}, scope), {false, true})
  raises("never be called", gov.scope, {["has(int) -> bool"] = print})
end)

test("functions are let go", function()
  local gone = setmetatable({}, {__mode = "k"})
  do
    local big = {}
    gone[big] = true
    local e = assert(gov.compile("f()", nil, {scope = {["f() -> int"] = function() return #big + 1 end}}))
    equal(e(), 1)
    e:close()
  end
  collectgarbage()
  collectgarbage()
  assert(next(gone) == nil)
end)

test("rules call functions, and lend their own", function()
  local path = write(".yaml", [[
rulebook: r
version: "1"
languages: [en]
time_zone: Asia/Shanghai
values: {sign: {is: 2 working hours, source: test}}
---
calendar: cn
hours: {mon-fri: ["09:00-12:00", "13:30-17:30"]}
years: {2026: {off: [2026-05-01], work: []}}
---
workflow: w
events: {go: {by: []}}
states:
  a: {on: {go: {when: ready(case.number), to: b}}}
  b: {type: final}
]])
  local ready = false
  local words = {["ready(string) -> bool"] = function() return ready end}
  assert(gov.load_rulebook(path) == nil)
  local rules = assert(gov.load_rulebook(path, MONDAY, words))
  local scope = assert(gov.scope(nil, {rules = rules, now = MONDAY}))
  equal(gov.eval("add_working(now, values.sign)", nil, scope), MONDAY + gov.duration {hours = 2})
  local g <close> = assert(gov.create(folder .. "/functions.db", path, {now = MONDAY, scope = words}))
  assert(g:act_as_host("test"))
  local id = assert(g:open_case("w", {}))
  fails("guard_refused", g:send(id, "go"))
  ready = true
  assert(g:send(id, "go"))
end)

test("messages in two languages", function()
  local texts = {}
  for _, language in ipairs {"zh", "en"} do
    gov.language = language
    local ok, message = gov.open(folder .. "/none.db")
    assert(ok == nil)
    texts[language] = message
  end
  assert(texts.zh ~= texts.en)
end)

test("rulebooks", function()
  equal(gov.check(RULES), gov.list {} and {})
  local list = assert(gov.check(write(".yaml", 'rulebook: r\nversion: "1"\ntitle: r\nlanguages: [en]\ntime_zone: Asia/Shanghia\nrolse: {}\n')))
  assert(#list >= 2)
  for _, d in ipairs(list) do assert(d.line == 5 or d.line == 6) end
  assert(gov.check(folder .. "/none") == nil)
  local rules <close> = assert(gov.load_rulebook(RULES))
  equal({rules:id(), rules:version(), #rules:digest()}, {"quickstart", "1", 64})
  assert(rules:diagram("lamp", "svg", "zh"):find("<title>路灯报修</title>", 1, true))
  assert(gov.schema():find('"$defs"', 1, true))
  assert(rules:diagram("lamp", "mermaid"):find("stateDiagram-v2", 1, true))
  local none, message, code = rules:diagram("lmap")
  assert(none == nil and message:find("lamp") and code == "workflow_unknown")
end)

test("scenarios", function()
  local path = write(".yaml", "rulebook: r\nversion: '1'\ntime_zone: UTC\nroles: {clerk: {}}\n---\nworkflow: w\n" ..
    "events: {go: {by: [clerk]}}\nstates: {a: {on: {go: b}}, b: {type: final}}\n---\nscenario: {zh: 一, en: one}\nsteps:\n" ..
    "  - open: {workflow: w, id: c}\n  - expect: {case: c, state: b}\n")
  local report = assert(gov.test(path))
  equal({report.passed, report.failed, #report.warnings}, {0, 1, 0})
  equal({report.results[1].title, report.results[1].failures[1].line}, {"one", 13})
  equal(report.coverage[1].states.missed[1].state, "b")
  equal(assert(gov.test(path, {lang = "zh"})).results[1].title, "一")
  assert(gov.test(folder .. "/none") == nil)
end)

local SHED = "rulebook: shed\nversion: '1'\ntime_zone: UTC\nlanguages: [en]\nvalues: {most: {is: 2, source: s}}\nroles: {clerk: {}}\n---\n" ..
  "workflow: w\nevents: {go: {by: [clerk]}}\nstates: {a: {on: {go: {when: values.most > 5, to: b}}}, b: {type: final}}\n---\n" ..
  "workflow: v\nevents: {go: {by: [clerk]}}\nstates: {x: {on: {go: y}}, y: {type: final}}\n---\n" ..
  "scenario: five\nsteps:\n  - open: {workflow: w, id: c}\n  - send: {case: c, event: go}\n  - expect: {case: c, state: b}\n"

test("scenarios, checks and pictures under an overlay", function()
  local rules = write(".yaml", SHED)
  local over = write(".yaml", "overlay: shed\nvalues: {most: {is: 9, source: t}}\n")
  local other = write(".yaml", "overlay: hut\nvalues: {most: {is: 9, source: t}}\n")
  equal({assert(gov.test(rules)).passed, assert(gov.test(rules, {overlay = over})).passed}, {0, 1})
  for _, d in ipairs(assert(gov.check(rules, nil, nil, over))) do assert(d.severity ~= "error", d.message) end
  local wrong = assert(gov.check(rules, nil, nil, other))
  equal({wrong[1].severity, wrong[1].line}, {"error", 1})
  assert(gov.test(rules, {overlay = other}) == nil)
  assert(gov.check(rules, nil, nil, folder .. "/none.yaml") == nil)
  local book <close> = assert(gov.load_rulebook(rules, nil, nil, over))
  assert(book:diagram("v", "mermaid"):find("stateDiagram-v2", 1, true))
end)

test("of several workflows one is simulated", function()
  local rules = write(".yaml", SHED)
  local s <close> = assert(gov.simulation(rules, nil, "v"))
  equal(s.first, '{"active":["x"],"done":false}')
  equal(s:line('{"event":"go"}'), '{"active":["y"],"done":true}')
  fails("workflow_several", gov.simulation(rules))
  fails("workflow_unknown", gov.simulation(rules, nil, "ww"))
end)

test("a simulation", function()
  local path = write(".yaml", "workflow: w\nstates:\n  a: {on: {go: b}}\n  b: {type: final}\n")
  local s <close> = assert(gov.simulation(path))
  equal(s.first, '{"active":["a"],"done":false}')
  equal(s:line('{"event":"go"}'), '{"active":["b"],"done":true}')
  assert(s:line("nonsense"):find('"error"'))
  assert(gov.eval_line('{"expr":"1+1"}'):find("2"))
  assert(gov.simulation(folder .. "/none.yaml") == nil)
  local rules = write(".yaml", "workflow: v\nevents: {go: {input: {n: {type: int}}}}\n" ..
    "states:\n  a: {on: {go: {when: odd(event.data.n), to: b}}}\n  b: {type: final}\n")
  local v <close> = assert(gov.simulation(rules, {["odd(int) -> bool"] = function(n) return n % 2 == 1 end}))
  collectgarbage()
  equal(v:line('{"event":"go","data":{"map":[["n",{"int":"2"}]]}}'), '{"active":["a"],"done":false}')
  equal(v:line('{"event":"go","data":{"map":[["n",{"int":"3"}]]}}'), '{"active":["b"],"done":true}')
  assert(gov.simulation(rules) == nil)
end)

-- ---- handles ----

test("close twice and use after close", function()
  local g, url = community()
  g:close()
  g:close()
  assert(g:closed())
  raises("test_lua.lua:%d+: the community is closed", function() g:about() end)
  raises("closed", g.now, g)
  raises("closed", g.cases(g))
  local store = assert(gov.store(url))
  do
    local h <close> = assert(store:community())
    g = h
    store:close()
    assert(h:act_as_host("test"))
    equal(assert(h:about()).name, "quickstart")
  end
  assert(g:closed())
  raises("closed", store.communities, store)
  raises("no option 'craete'", gov.store, url, {craete = true})
  raises("no option", g.import, g, "x", {flie = "y"})
end)

test("garbage in any order", function()
  local _, url = community()
  math.randomseed(3)
  for _ = 1, 30 do
    local store = assert(gov.store(url))
    local things = {store, assert(gov.load_rulebook(RULES)), assert(gov.compile("1 + 1")), select(4, gov.eval("1 +"))}
    for i = 1, 3 do
      local g = assert(store:community())
      assert(g:act_as_host("test"))
      if i == 3 and math.random(2) == 1 then assert(g:begin()) end
      things[#things + 1] = g
      if math.random(3) == 1 then things[#things + 1] = g:records("unit") end
    end
    things[#things + 1] = things
    while #things > 0 and math.random(4) > 1 do
      table.remove(things, math.random(#things))
      if math.random(2) == 1 then collectgarbage("step") end
    end
    store, things = nil, nil
    collectgarbage()
  end
  local g <close> = assert(gov.open(url))
  assert(g:act_as_host("test"))
  assert(assert(g:verify()).ok)
end)

test("misuse is raised, at the caller's line", function()
  local g <close> = community()
  raises("test_lua.lua:%d+: ", function() g:case("7") end)
  raises("whole number", function() g:case(1.5) end)
  raises("whole number", function() g:case(2.0 ^ 63) end)
  raises("string", function() g:send(1, 5) end)
  raises("", function() g:commit() end)
  raises("", function() g:act_as("li") end)
  equal(assert(g:find_case(g:case(assert(g:open_case("lamp", {text = "x"}))).number)) > 0, true)
  raises("timestamp", function() g:freeze("monday") end)
  raises("1970", function() g:freeze(gov.timestamp(-1)) end)
  raises("latitude", function() g:locate {{91, 0}} end)
  raises("latitude", gov.point, 91, 0)
end)

-- ---- cases ----

on_both("a case lives", function(engine)
  local g <close> = community(engine)
  assert(g:act_as("li", "handle_case"))
  local id = assert(g:open_case("lamp", {text = "路灯不亮", place = gov.point(30.28, 120.15)},
    {number = "T-1", source = "hotline"}))
  equal(math.type(id), "integer")
  assert(g:send(id, "dispatch", {unit = "U05"}))
  local case = assert(g:case(id))
  equal(case.state, {"repairing"})
  equal(case.fields.place, {lat = 302800000, lon = 1201500000})
  equal(case.clocks[1].due, gov.timestamp("2026-03-04T16:00:00Z"))
  equal(case.closed_at, nil)
  assert(g:act_as_host("test"))
  equal(g:find_case("T-1", "hotline"), id)
  equal(g:find_case(case.number), id)
  assert(g:freeze(g:now() + gov.duration {days = 3}))
  local ticked = assert(g:tick())
  equal(ticked.fired, 1)
  equal(ticked.next_provisional, false)
  local seen = {}
  for c in g:cases {overdue_only = true} do seen[#seen + 1] = c.id end
  equal(seen, {id})
  equal(#assert(g:history(id)), 3)
  assert(g:act_as("wang", "handle_case"))
  for _, e in ipairs(assert(g:explain(id)).events) do equal(e.allowed, e.event == "repaired") end
  assert(g:send(id, "repaired"))
  assert(g:act_as_host("test"))
  equal(assert(g:case(id)).outcome, "repaired")
  local report = assert(g:verify())
  local n = 0
  for entry in g:journal(0, 2) do n = n + (entry.entry > 0 and 1 or 0) end
  equal(n, report.entries)
end)

on_both("refusals are answers", function(engine)
  local g <close> = community(engine)
  local id = assert(g:open_case("lamp", {text = "x"}, {number = "7", source = "s", idempotency_key = "k"}))
  equal(g:open_case("lamp", {text = "x"}, {number = "7", source = "s", idempotency_key = "k"}), id)
  local statuses = {}
  for _, answer in ipairs {
    table.pack(g:open_case("lamp", {text = "y"}, {idempotency_key = "k"})),
    table.pack(g:open_case("lamp", {text = "y"}, {number = "7", source = "s"})),
    table.pack(g:open_case("lmap", {text = "x"})),
    table.pack(g:open_case("lamp", {txt = "x", place = "somewhere"})),
    table.pack(g:send(id, "repaired")),
    table.pack(g:case(id + 1)),
    table.pack(g:act_as("nobody", "x")),
  } do
    assert(answer.n == 4 and answer[1] == nil and answer[4].message == answer[2] and answer[4].code == answer[3])
    statuses[#statuses + 1] = answer[4].status
  end
  equal(statuses, {320, 310, 300, 200, 330, 300, 300})
end)

on_both("groups", function(engine)
  local g <close> = community(engine)
  equal(g:group(function()
    assert(g:put("unit", "A", {name = "x"}))
    assert(g:put("unit", "B", {nmae = "x"}) == nil)
    return "done"
  end), "done")
  raises("mine", g.group, g, function()
    assert(g:put("unit", "C", {name = "x"}))
    error("mine")
  end)
  local ok, message = g:group(function()
    assert(g:put("unit", "D", {name = "x"}))
    return g:get("unit", "none")
  end)
  assert(ok == nil and message)
  equal(g:group(function() end), true)
  local keys = {}
  for r in g:records("unit", {limit = 1}) do keys[#keys + 1] = r.key end
  equal(keys, {"A", "U05"})
  keys = {}
  for r in g:records("unit", {where = 'it.key != "B"', order = "it.key desc"}) do keys[#keys + 1] = r.key end
  equal(keys, {"U05", "A"})
end)

test("a group does not yield, and a list ends with its handle", function()
  local g, url = community()
  local ran = coroutine.wrap(function()
    raises("must not yield", g.group, g, function()
      assert(g:put("unit", "inside", {name = "x"}))
      coroutine.yield(1)
    end)
    return "through"
  end)
  equal(ran(), "through")
  assert(g:get("unit", "inside") == nil) -- rolled back
  equal(g:group(function() -- a coroutine within the group is the group's own affair
    local put = coroutine.wrap(function() coroutine.yield(g:put("unit", "own", {name = "x"})) end)
    return put() and "ok"
  end), "ok")
  assert(g:put("unit", "later", {name = "x"}))
  local rows = g:records("unit")
  assert(rows())
  g:close()
  raises("closed", rows)
  local again <close> = assert(gov.open(url))
  assert(again:act_as_host("test"))
  assert(again:get("unit", "later") and again:get("unit", "own"))
end)

test("a misuse is told at the caller's line, however deep it lies", function()
  local g <close> = community()
  local here = "test_lua.lua:" .. debug.getinfo(1, "l").currentline + 1
  raises(here .. ":", function() gov.point(nil) end)
  raises("latitude and a longitude", function() gov.point(nil) end)
  g:group(function()
    local line = "test_lua.lua:" .. debug.getinfo(1, "l").currentline + 1
    raises(line .. ":", function() g:group(print) end)
    return true
  end)
  raises("test_lua.lua:", function() local now = gov.open("x.db", {nmae = 1}) return now end)
end)

test("pages", function()
  local g <close> = community()
  local ids = {}
  for i = 1, 7 do ids[i] = assert(g:open_case("lamp", {text = tostring(i)})) end
  for _, limit in ipairs {1, 2, 3, 7, 1000} do
    local seen = {}
    for c in g:cases {limit = limit} do seen[#seen + 1] = c.id end
    equal(seen, ids)
  end
  raises("filter", g:cases {wrokflow = "lamp"})
  local found = {}
  for c in g:cases {where = 'case.number.endsWith("3") && case.closed_at == null'} do found[#found + 1] = c.id end
  equal(found, {ids[3]})
  raises("not indexed", g:cases {where = 'case.text == "x"'})
end)

test("clocks and places", function()
  local g, url = community()
  local square = {type = "Polygon", coordinates = {{{120, 30}, {121, 30}, {121, 31}, {120, 31}, {120, 30}}}}
  local id = assert(g:put("grid", "g1", {name = "One", geometry = square}))
  equal(g:locate {{30.5, 120.5}, {lat = 40, lon = 120}}, gov.list {id, 0})
  equal(g:parse_time("2026-03-02 09:00"), MONDAY)
  equal(g:format_time(MONDAY), "2026-03-02T09:00:00+08:00")
  g:close()
  local now = MONDAY
  local h <close> = assert(gov.open(url, {now = function() return now end}))
  equal(h:now(), MONDAY)
  now = now + gov.duration {hours = 1}
  equal(h:now(), now)
  now = nil
  raises("timestamp", h.now, h)
  h:unfreeze()
  assert(math.abs(h:now().us // 1000000 - os.time()) < 60)
end)

test("ledgers", function()
  local g <close> = community()
  local ids = assert(g:new_ids(4))
  assert(ids[1] < ids[2])
  local a, b = ids[1], ids[2]
  assert(g:create_accounts {{id = a, ledger = 1, code = 1}, {id = b, ledger = 1, code = 1, flags = {"debits_must_not_exceed_credits"}}})
  local made_transfers = assert(g:transfer {
    {id = ids[3], debit_account = a, credit_account = b, amount = 10, ledger = 1, code = 1},
    {id = ids[4], debit_account = b, credit_account = a, amount = 11, ledger = 1, code = 1},
  })
  equal({made_transfers[1].result, made_transfers[2].result}, {"created", "exceeds_credits"})
  equal(gov.ledger_result_name(made_transfers[2].code), "exceeds_credits")
  local found = assert(g:accounts {b, 12345})
  equal({found[1].credits_posted, found[2]}, {10, gov.null})
  equal(found[1].flags, gov.list {"debits_must_not_exceed_credits"})
  equal(assert(g:transfers {ids[3]})[1].amount, 10)
  equal(#assert(g:lots(b)), 0)
  assert(g:set_cap {ledger = 1, number = 1, per = "ever", amount = 5})
  equal(assert(g:caps(1))[1].per, "ever")
  assert(g:set_cap {ledger = 1, number = 1})
  equal(assert(g:balance_at(b, math.maxinteger)).balance, 10)
  assert(g:put_note("account", b, {name = "shop"}))
  equal(assert(g:note("account", b)).name, "shop")
  assert(assert(g:export_ledger(1)):find("shop", 1, true))
  local lines <close> = assert(gov.ledger_lines())
  equal(lines:line('{"accounts":[{"id":"1","ledger":1,"code":1}]}'), '{"results":["created"]}')
  local n = 0
  for t in g:account_transfers(b, {reversed = true}) do n = n + t.amount end
  for r in g:account_balances(a) do n = n + r.debits_posted end
  equal(n, 20)
  raises("no member", function() g:transfer {{id = 1, amuont = 5}} end)
  raises("flags", function() g:transfer {{flags = {"none"}}} end)
  equal(g:accounts {}, gov.list {})
end)

test("points", function()
  local g <close> = community()
  equal(g:points_totals(), gov.list {})
  for _, answer in ipairs {{g:points("x")}, {g:award("x", "rule")}, {g:points_statement("x", {before = MONDAY})}, {g:points_top(3)}} do
    assert(answer[1] == nil and answer[2])
  end
end)

-- ---- proofs, reports, imports ----

test("verify, export, backup, callbacks", function()
  local g, url = community()
  local path = new_path()
  assert(g:export_journal(path))
  assert(assert(gov.check_journal(path)).ok)
  assert(g:export_journal(path) == nil)
  raises("64 bytes", g.export_journal, g, path, "short")
  local store <close> = assert(gov.store(url))
  local calls, copy = 0, new_path()
  assert(store:backup(copy, function(done, total) calls = calls + (done <= total and 1 or 0) end))
  assert(calls > 0)
  local mine = {}
  local ok, raised = pcall(g.verify, g, function() error(mine) end)
  assert(not ok and raised == mine)
  raises("callback", g.verify, g, function() g:about() end)
  raises("callback", g.verify, g, function() g:close() end)
  raises("function", g.verify, g, 5)
  assert(assert(g:verify(function() end)).ok)
  g:close()
  local other <close> = assert(gov.open(copy))
  assert(other:act_as_host("test"))
  assert(assert(other:verify()).ok)
end)

test("several communities", function()
  local g, url = community()
  g:close()
  local store = assert(gov.store(url))
  local id = assert(store:create(RULES, "second"))
  equal(#assert(store:communities()), 2)
  assert(store:create(RULES, "second") == nil)
  do
    local h <close> = assert(store:community("second"))
    assert(h:act_as_host("test"))
    equal(assert(h:about()).id, id)
    assert(h:install(RULES))
    local report = assert(h:migrate(RULES, true))
    equal(report.past.cases, 0)
    equal(assert(h:migrate()).migrated, 0)
  end
  store:close()
  local h <close> = assert(gov.open(url, {name = "second", now = MONDAY}))
  equal(h:now(), MONDAY)
  local a, b = assert(gov.upgrade(url))
  equal(a, b)
end)

test("reports and imports", function()
  local g <close> = community()
  assert(g:open_case("lamp", {text = "x"}))
  equal(type(assert(g:report {from = MONDAY, to = g:now() + gov.duration {days = 1}, lang = "en"})), "table")
  assert(assert(g:report_html()):find("<html", 1, true))
  assert(#assert(g:report_text {lang = "zh", public = true}) > 0)
  raises("option", g.report, g, {form = MONDAY})
  local data = write(".csv", "code,name\nU11,One\nU12,\nU13,Three\n")
  local map = write(".map.yaml", "import: units\nfile: units.csv\ncolumns: {code: code, name: name}\nkey: code\n")
  local done = assert(g:import(map, {file = data, refused = new_path(), progress = function() end}))
  equal({done.rows, done.added + done.refused}, {3, 3})
  equal(assert(g:import(map, {file = data})).added, 0)
  equal(g:replayed_until(), false)
  assert(g:import(folder .. "/none.yaml") == nil)
end)

test("what is no handle is told from one", function()
  local core = require "gov.core"
  local g <close> = community()
  local others = {io.stdout, gov.null, 5, "x", {}, true, print, coroutine.create(print)}
  for name, f in pairs(core) do
    if type(f) == "function" and name:find("^gov_") then
      for _, other in ipairs(others) do
        for n = 0, 4 do pcall(f, other, table.unpack({other, other, other, other}, 1, n)) end
      end
    end
  end
  raises("got .userdata.", core.gov_now, io.stdout)
  raises("gov", core.gov_now, gov.null)
  raises("gov", core.gov_now, {})
  for _, other in ipairs(others) do
    raises("object:method()", g.about, other)
    raises("object:method()", g.close, other)
  end
  raises("object:method()", g.about)
  equal(g:now(), MONDAY)
end)

os.execute("rm -rf '" .. folder .. "'")
os.exit(failures == 0)
