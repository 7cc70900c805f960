-- A street lamp is reported, dispatched, forgotten for three days, and urged: quickstart.lua STORE [RULES]
local gov = require "gov"

local path = arg[1] or "quickstart.db"
local rules = arg[2] or "examples/quickstart"

local function show(g, id)
  local case = assert(g:case(id))
  local clock = case.clocks[1]
  local hours = clock and clock.due and (", due in %d hours"):format((clock.due - g:now()):hours() // 1) or ""
  print(("%s %s%s"):format(case.number, case.state[1], hours))
end

local g <close> = assert(gov.create(path, rules, {now = gov.timestamp("2026-03-02T01:00:00Z")}))
assert(g:act_as_host("quickstart"))
assert(g:put("unit", "U05", {name = "Lamps"}))
assert(g:put("staff", "li", {name = "Li", roles = {"dispatcher"}}))
assert(g:put("staff", "wang", {name = "Wang", roles = {"repairer"}, unit = "U05"}))

assert(g:act_as("li", "handle_case"))
local id = assert(g:open_case("lamp", {text = "路灯不亮", place = gov.point(30.28, 120.15)}))
show(g, id)
assert(g:send(id, "dispatch", {unit = "U05"}))
show(g, id)

assert(g:act_as_host("night_run"))
g:freeze(g:now() + gov.duration {days = 3})
print("fired " .. assert(g:tick()).fired)

assert(g:act_as("wang", "handle_case"))
show(g, id)
for _, h in ipairs(assert(g:history(id))) do
  print(("%s %s by %s: %s"):format(h.kind, h.event or "-", h.actor, h.to[1]))
end
for _, e in ipairs(assert(g:explain(id)).events) do
  print((e.allowed and "may " or "may not ") .. e.event)
end

assert(g:act_as_host("night_run"))
print(("verified %d entries"):format(assert(g:verify()).entries))
