// The chart of bench_chart.c in XState, the statecharts that most web programs use: the same events, guards and actions.
// tests/bench/run starts it after the others, with the speed of ours as argument; XState is looked for where Node looks (NODE_PATH).
'use strict';

const ours = {events: Number(process.argv[2]) || 0, restore: Number(process.argv[3]) || 0};
const json = process.argv.includes('--json');
let xstate;
try {
  xstate = require('xstate');
} catch {
  if (!json) console.log('chart: XState on Node              not installed');
  process.exit(0);
}

const EVENTS = 300000, RESTORES = 30000, RUNS = 5;
const names = ['dispatch', 'return', 'rule', 'overdue', 'finish', 'rate', 'callback', 'object', 'reopen', 'withdraw', 'unknown'];
const walk = [0, 1, 2, 0, 3, 4, 5, 6, 4, 5, 7, 6, 9, 7, 8, 10];
let count = 0, acted = 0;
const holds = (guard) => guard === 0 || ((count + guard) & 3) !== 0;

const guards = {}, actions = {};
for (let i = 0; i < 5; i++) {
  guards[`g${i}`] = () => holds(i);
  actions[`a${i}`] = () => { acted += i; };
}

const machine = xstate.setup({guards, actions}).createMachine({
  initial: 'open',
  states: {
    open: {
      initial: 'received',
      on: {withdraw: {target: 'closed', guard: 'g4'}},
      states: {
        received: {on: {dispatch: {target: 'handling', guard: 'g0', actions: 'a1'}}},
        handling: {on: {return: {target: 'return_asked', guard: 'g1'}, overdue: {actions: 'a2'}, finish: 'feedback'}},
        return_asked: {on: {rule: [{target: 'received', guard: 'g2'}, {target: 'handling'}]}},
        feedback: {on: {rate: 'calling'}},
        calling: {on: {callback: [{target: '#closed', guard: 'g3'}, {target: 'handling', actions: 'a1'}]}},
      },
    },
    closed: {
      id: 'closed',
      initial: 'resolved',
      on: {reopen: {target: 'open', guard: 'g0'}},
      states: {resolved: {on: {object: {target: 'unresolved', guard: 'g3'}}}, unresolved: {}},
    },
  },
});

const next = () => ({type: names[walk[count++ % walk.length]]});
const fresh = () => {
  count = acted = 0;
  return xstate.createActor(machine).start();
};

// The same machine as a switch: what XState gives has to be what the chart means.
function bare() {
  let at = 'received';
  count = acted = 0;
  for (let i = 0; i < EVENTS; i++) {
    const e = names[walk[count++ % walk.length]];
    if (at === 'resolved' || at === 'unresolved') {
      if (e === 'reopen') at = 'received';
      else if (e === 'object' && at === 'resolved' && holds(3)) at = 'unresolved';
      continue;
    }
    if (e === 'dispatch' && at === 'received') { at = 'handling'; acted += 1; }
    else if (e === 'return' && at === 'handling' && holds(1)) at = 'return_asked';
    else if (e === 'overdue' && at === 'handling') acted += 2;
    else if (e === 'finish' && at === 'handling') at = 'feedback';
    else if (e === 'rule' && at === 'return_asked') at = holds(2) ? 'received' : 'handling';
    else if (e === 'rate' && at === 'feedback') at = 'calling';
    else if (e === 'callback' && at === 'calling') { if (holds(3)) at = 'resolved'; else { at = 'handling'; acted += 1; } }
    else if (e === 'withdraw' && holds(4)) at = 'resolved';
  }
  return acted;
}

function events() {
  const actor = fresh(), begin = process.hrtime.bigint();
  for (let i = 0; i < EVENTS; i++) actor.send(next());
  return Number(process.hrtime.bigint() - begin) / 1e9;
}

function restores() {
  let actor = fresh();
  const begin = process.hrtime.bigint();
  for (let i = 0; i < RESTORES; i++) {
    const text = JSON.stringify(actor.getPersistedSnapshot());
    actor = xstate.createActor(machine, {snapshot: JSON.parse(text)}).start();
    actor.send(next());
  }
  return Number(process.hrtime.bigint() - begin) / 1e9;
}

const median = (f) => Array.from({length: RUNS}, f).sort((a, b) => a - b)[RUNS >> 1];

function line(name, unit, own, peer, ratio) {
  if (json) {
    console.log(JSON.stringify({name, unit, runs: RUNS, ours: own, floor: peer, floor_name: 'XState on Node', ratio}));
    return;
  }
  const number = (x) => (x ? x.toPrecision(5) : '-').padStart(12);
  console.log(`${name.padEnd(34)} ${unit.padEnd(10)} ${number(own)} ${number(peer)} ${(ratio ? ratio.toFixed(2) : '-').padStart(7)}`);
}

events();
if (acted !== bare()) {
  console.error('bench xstate: its machine is not the one of bench_chart.c');
  process.exit(1);
}
const perSecond = EVENTS / median(events), microseconds = median(restores) / RESTORES * 1e6;
line('chart: events, beside XState', 'events/s', ours.events, perSecond, ours.events ? perSecond / ours.events : 0);
line('chart: save, restore, beside XState', 'us', ours.restore, microseconds, ours.restore / microseconds);
