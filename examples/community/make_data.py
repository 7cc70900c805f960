#!/usr/bin/env python3
"""Writes the data of the example community into data/.

    python3 make_data.py [DIR]         # default: the folder data beside this file

Everything is invented, and the same bytes come out every time: the random numbers are our own, so that they do not
depend on the version of Python. The words are in make_texts.py. The files are as mixed as offices' exports are: one is
GB18030 with CRLF, some carry a byte order mark, dates come in several forms, and a few rows are wrong on purpose
(data/expected.csv lists them with what an import has to say).
"""
import csv
import io
import json
import os
import sys
from datetime import date, datetime, timedelta

import make_texts as words

BEGIN, END = datetime(2026, 3, 1), datetime(2026, 6, 1)
OFF = {date(2026, 4, d) for d in (4, 5, 6)} | {date(2026, 5, d) for d in (1, 2, 3, 4, 5)}
OFF |= {date(2026, 6, d) for d in (19, 20, 21)}
WORK = {date(2026, 5, 9)}
SPANS = ((540, 720), (810, 1050))       # 09:00-12:00 and 13:30-17:30, in minutes of the day
STEM = {'U01': '梧桐苑', 'U02': '桂语里', 'U03': '锦绣家园', 'U14': '河畔新村'}

# code, name, estate, property service, buildings (name, entrances, floors), public spots
GRIDS = [
    ('G01', '第一网格', '梧桐苑', 'U01', [(f'{n}幢', 3, 6) for n in range(1, 6)], ['梧桐苑北门', '梧桐苑北区垃圾房', '梧桐苑健身角']),
    ('G02', '第二网格', '梧桐苑', 'U01', [(f'{n}幢', 3, 6) for n in range(7, 12)], ['梧桐苑南门', '梧桐苑小花园', '梧桐小学路口']),
    ('G03', '第三网格', '机床厂宿舍', 'U01', [(f'{n}幢', 2, 5) for n in range(1, 6)], ['机床厂宿舍大门口', '机床厂宿舍自行车棚', '厂前路南段']),
    ('G04', '第四网格', '桂语里', 'U02', [(f'{n}幢', 2, 18) for n in range(1, 4)], ['桂语里东门', '桂语里中心广场', '桂语里1号车库口']),
    ('G05', '第五网格', '桂语里', 'U02', [(f'{n}幢', 2, 18) for n in range(4, 7)], ['桂语里西门', '桂语里儿童乐园', '桂语里2号车库口']),
    ('G06', '第六网格', '幸福路', 'U09', [(f'{n}号', 1, 4) for n in (12, 18, 26, 32)], ['幸福路夜市街', '幸福路菜场门口', '幸福路公交站', '幸福路㐂面馆']),
    ('G07', '第七网格', '锦绣家园', 'U03', [(f'{n}幢', 3, 6) for n in range(1, 6)], ['锦绣家园一区大门', '锦绣家园一区凉亭', '锦绣家园回收站']),
    ('G08', '第八网格', '锦绣家园', 'U03', [(f'{n}幢', 3, 6) for n in range(6, 11)], ['锦绣家园二区大门', '锦绣家园二区晾衣场', '锦绣路工地旁']),
    ('G09', '第九网格', '河畔新村', 'U14', [(f'{n}幢', 2, 11) for n in range(1, 5)], ['河畔新村东门', '幸福河步道', '河畔新村游船码头']),
]
UNITS = [
    ('U01', '梧桐物业服务中心', '物业'), ('U02', '桂语里物业服务处', '物业'), ('U03', '锦绣物业服务处', '物业'),
    ('U04', '和风街道综合行政执法中队', '执法'), ('U05', '和风供电服务所', '公用'), ('U06', '和风派出所', '公安'),
    ('U07', '街道城市管理科', '街道科室'), ('U08', '街道公共服务科', '街道科室'), ('U09', '幸福里社区居委会', '社区'),
    ('U10', '和风供水服务站', '公用'), ('U11', '和风环卫所', '公用'), ('U12', '和风市场监管所', '市场监管'),
    ('U13', '街道诉求受理中心', '街道科室'), ('U14', '河畔物业服务处', '物业'),
]
OPS = {
    'dispatch': '派单', 'decline': '不予受理', 'withdraw': '撤回', 'sign': '签收', 'return': '退单', 'rule': '退单审核',
    'ask_extension': '申请延期', 'extend': '同意延期', 'refuse_extension': '不同意延期', 'finish': '答复',
    'no_answer': '未接通', 'callback': '回访', 'report': '督办上报', 'accept_report': '督办通过',
    'reject_report': '督办退回', 'record': '检查登记',
}
URGENCY = {1: '紧急', 2: '加急', 3: '一般', 4: '疑难'}
# category -> grids where it is frequent
HOT = {'noise': ['G06', 'G06', 'G06', 'G08'], 'parking': ['G01', 'G02', 'G03'], 'elevator': ['G05', 'G04', 'G09'],
       'leak': ['G03', 'G01', 'G03'], 'waste': ['G06', 'G07'], 'lighting': ['G03', 'G09'], 'pets': ['G09', 'G04']}


class Random:
    """splitmix64: small, and the same everywhere."""

    def __init__(self, seed):
        self.state = seed

    def next(self):
        mask = (1 << 64) - 1
        self.state = (self.state + 0x9E3779B97F4A7C15) & mask
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        return z ^ (z >> 31)

    def below(self, n):
        return self.next() % n

    def span(self, low, high):
        return low + self.below(high - low + 1)

    def pick(self, items):
        return items[self.below(len(items))]

    def chance(self, permille):
        return self.below(1000) < permille

    def weighted(self, pairs):
        at = self.below(sum(w for _, w in pairs))
        for item, weight in pairs:
            at -= weight
            if at < 0:
                return item
        raise AssertionError


# ---- working time

def is_work(day):
    return day in WORK or (day.weekday() < 5 and day not in OFF)


def work_on(t, minutes):
    """The instant after so many working minutes from t, counted from the next working minute."""
    while True:
        midnight = datetime(t.year, t.month, t.day)
        if is_work(t.date()):
            for low, high in SPANS:
                begin = max(t, midnight + timedelta(minutes=low))
                room = int((midnight + timedelta(minutes=high) - begin).total_seconds() // 60)
                if room > minutes:
                    return begin + timedelta(minutes=minutes)
                minutes -= max(room, 0)
        t = midnight + timedelta(days=1)


def close_of(t, days):
    """The close of business of the last of so many working days, the day of t not counted."""
    day = t.date()
    while days > 0:
        day += timedelta(days=1)
        days -= is_work(day)
    return datetime(day.year, day.month, day.day, 17, 30)


def due_of(start, urgency):
    if urgency == 1:
        return start + timedelta(hours=2)
    return close_of(start, {2: 1, 3: 5, 4: 15}[urgency])


# ---- places

def corners():
    """Four rows of four corners, south to north, moved a little as streets are."""
    r = Random(5)
    return [[(12014500 + j * 400 + r.span(-50, 50), 3027600 + i * 300 + r.span(-40, 40))
             for j in range(4)] for i in range(4)]


def bend(a, b):
    """A point near the middle of the street from a to b, the same from both sides."""
    (x, y), (u, v) = sorted([a, b])
    r = Random(x * 31 + y * 17 + u * 7 + v)
    return ((x + u) // 2 + r.span(-25, 25), (y + v) // 2 + r.span(-25, 25))


def make_grids():
    """Code -> ring of (lon, lat) in units of 1e-5 degree; north-west first, as one reads."""
    p = corners()
    rings = {}
    for n, grid in enumerate(GRIDS):
        i, j = 2 - n // 3, n % 3
        around = [p[i][j], p[i][j + 1], p[i + 1][j + 1], p[i + 1][j]]
        ring = []
        for k, a in enumerate(around):
            ring += [a, bend(a, around[(k + 1) % 4])]
        rings[grid[0]] = ring + ring[:1]
    return rings


def inside(ring, x, y):
    odd = False
    for (ax, ay), (bx, by) in zip(ring, ring[1:]):
        if (ay > y) != (by > y):
            left = (bx - ax) * (y - ay) - (by - ay) * (x - ax)
            odd ^= (left > 0) == (by > ay)
    return odd


def make_places(rings):
    """(grid code, place name) -> point in 1e-6 degree, each well inside its grid."""
    r = Random(11)
    places = {}
    for code, _, _, _, buildings, spots in GRIDS:
        ring = rings[code]
        xs, ys = [x for x, _ in ring], [y for _, y in ring]
        for name in [b[0] for b in buildings] + spots:
            while True:
                x, y = r.span(min(xs) * 10, max(xs) * 10), r.span(min(ys) * 10, max(ys) * 10)
                if all(inside(ring, (x + dx) / 10, (y + dy) / 10) for dx in (-200, 200) for dy in (-200, 200)):
                    places[code, name] = (x, y)
                    break
    return places


def degrees(micro):
    return f'{micro // 1000000}.{micro % 1000000:06d}'


# ---- people

def make_staff():
    r = Random(23)
    rows, seen = [], set()

    def add(roles, unit, grid=''):
        while True:
            name = r.pick(words.SURNAMES) + r.pick(words.GIVEN_MID + words.GIVEN_YOUNG[:8])
            if name not in seen:
                break
        seen.add(name)
        rows.append((f'S{len(rows) + 1:03d}', name, roles, unit, grid, f'1380000{9000 + len(rows):04d}'))

    for roles in ('派单员', '派单员', '派单员', '派单员、回访员', '回访员', '回访员', '督办员', '督办员'):
        add(roles, 'U13')
    for grid in GRIDS:
        add('网格员', 'U09', grid[0])
    add('社区专干', 'U09')
    add('社区专干', 'U09')
    for code, _, _ in UNITS:
        if code != 'U13':
            add('承办人', code)
            add('承办人', code)
    return rows


def tags_of(r, age):
    tags = []
    if age >= 80:
        tags.append('高龄')
    if r.chance(45):
        tags.append('低保')
    if r.chance(45):
        tags.append('残疾')
    return tags


def make_people():
    """Households and residents."""
    r = Random(37)
    homes, people = [], []
    for code, _, estate, _, buildings, _ in GRIDS:
        rooms = [(b, e, f * 100 + d) for b, es, fs in buildings for e in range(1, es + 1)
                 for f in range(1, fs + 1) for d in (1, 2)]
        step = len(rooms) // 39
        for k in range(39):
            building, entrance, room = rooms[k * step + r.below(max(step, 1))]
            home = f'H{len(homes) + 1:04d}'
            head = r.span(1938, 1999)
            alone = head < 1956 and r.chance(350)
            tags = tags_of(r, 2026 - head) + (['独居'] if alone else [])
            homes.append((home, estate, building, f'{entrance}单元', str(room), code, '是' if tags else '否', '、'.join(tags)))
            people += make_family(r, len(people), home, head, alone, tags)
    return homes, people


def make_family(r, count, home, head, alone, tags):
    rows = []

    def add(year, surname, own):
        given = words.GIVEN_OLD if year < 1965 else words.GIVEN_MID if year < 1990 else words.GIVEN_YOUNG
        n = count + len(rows)
        rows.append([f'R{n + 1:04d}', surname + r.pick(given), r.pick('男女'), str(year), f'1380000{n:04d}', home, own])

    surname = r.pick(words.SURNAMES)
    add(head, surname, '、'.join(t for t in tags if t != '低保'))
    if not alone:
        if r.chance(450):
            add(head + r.span(-3, 5), r.pick(words.SURNAMES), '')
        if head > 1955 and r.chance(180):
            add(min(head + r.span(24, 32), 2008), surname, '')
    return rows


# ---- requests

def fill(r, text, grid, building, spot):
    entrance = r.span(1, building[1])
    floors = [f for n, f in enumerate(words.FLOORS, 2) if n <= building[2]]
    return text.format(e=grid[2], b=f'{grid[2]}{building[0]}{entrance}单元' if grid[0] != 'G06' else f'{grid[2]}{building[0]}',
                       s=spot, f=r.pick(floors), t=r.pick(words.HOURS), d=r.pick(words.SPANS), n=r.pick(words.NUMBERS))


def open_times(r, count):
    times = []
    hours = [(h, w) for h, w in zip(range(24), [2, 1, 1, 0, 0, 1, 3, 8, 14, 18, 18, 14, 8, 9, 14, 16, 14, 11, 9, 11, 12, 9, 6, 4]) if w]
    while len(times) < count:
        day = BEGIN + timedelta(days=r.below((END - BEGIN).days))
        if not is_work(day.date()) and r.chance(450):
            continue
        times.append(day + timedelta(hours=r.weighted(hours), minutes=r.below(60)))
    return sorted(times)


def make_request(r, t, places, people_of, homes_of):
    month = t.month - 3
    category = r.weighted([(k, v[1][month]) for k, v in words.CATEGORIES.items()])
    code = r.pick(HOT[category]) if category in HOT and r.chance(620) else r.pick(GRIDS)[0]
    if category == 'elevator' and code not in ('G04', 'G05', 'G09'):
        code = r.pick(['G04', 'G05'])
    grid = GRIDS[int(code[2]) - 1]
    which = r.below(len(words.BODIES[category]))
    slot, urgency, text = words.BODIES[category][which]
    if urgency == 1 and r.chance(250):  # the worst is rare
        which = (which + 1) % len(words.BODIES[category])
        slot, urgency, text = words.BODIES[category][which]
    building = grid[4][0] if category == 'elevator' and r.chance(450) else r.pick(grid[4])
    spot = grid[5][0] if r.chance(400) else r.pick(grid[5])
    x, y = places[code, building[0] if slot == 'b' else spot]
    if r.chance(250):
        x, y = x + r.span(-150, 150), y + r.span(-150, 150)
    near = [p for h in homes_of[code] if h[2] == building[0] for p in people_of[h[0]]]
    grown = [p for p in (near if slot == 'b' and near else [q for h in homes_of[code] for q in people_of[h[0]]]) if int(p[3]) < 2008]
    reporter = None if r.chance(70) else r.pick(grown or people_of[homes_of[code][0][0]])
    unit, answer = words.ANSWERS[category][which]
    return {'opened': t, 'source': r.weighted([('12345热线', 60), ('微信群', 18), ('网格上报', 14), ('来访', 8)]), 'category': category,
            'urgency': urgency, 'grid': code, 'place': (x, y), 'where': spot if slot == 's' else grid[2] + building[0],
            'reporter': reporter, 'text': fill(r, text, grid, building, spot) + r.pick(words.TAILS),
            'unit': grid[3] if unit == 'P' else unit, 'answer': answer, 'life': []}


# ---- lives

class Life:
    """The believable life of one request, event by event. Times stay well clear of the deadlines."""

    def __init__(self, r, case, staff):
        self.r, self.case, self.t = r, case, case['opened']
        self.staff = staff
        self.urgency = case['urgency']

    def who(self, role, unit='U13'):
        return self.r.pick([s[0] for s in self.staff if role in s[2] and s[3] == unit])

    def add(self, t, actor, event, data=None, link=''):
        t += timedelta(seconds=self.r.span(1, 58))
        self.t = max(self.t, t) if not link else self.t
        self.case['life'].append((t, actor, event, {k: v for k, v in (data or {}).items() if v != ''}, link))
        return t

    def later(self, low, high, slow=0):
        """Working minutes later, or plain minutes for what is urgent; `slow` per mille take too long."""
        if self.urgency == 1:
            return self.t + timedelta(minutes=self.r.span(3, 18))
        if self.r.chance(slow):
            low, high = 135, 290
        return work_on(self.t, self.r.span(low, high))

    def dispatch(self, unit):
        self.unit = unit
        self.handler = self.who('承办人', unit)
        return self.add(self.later(6, 95, 35), self.who('派单员'), 'dispatch', {'unit': unit, 'note': self.r.pick(words.DISPATCH_NOTES)})

    def sign(self):
        self.add(self.later(8, 95, 45), self.handler, 'sign')

    def returned(self):
        """The unit sends the case back; the dispatcher rules."""
        self.add(work_on(self.t, self.r.span(20, 90)), self.handler, 'return', {'reason': self.r.pick(words.RETURN_REASONS)})
        granted = self.r.chance(650)
        note = self.r.pick(words.RULE_GRANTED if granted else words.RULE_DENIED)
        self.add(work_on(self.t, self.r.span(15, 90)), self.who('派单员'), 'rule', {'granted': granted, 'note': note})
        if granted:
            self.dispatch('U07' if self.unit != 'U07' else 'U09')
            self.sign()

    def extended(self, due):
        self.add(work_on(self.t, self.r.span(600, 1100)), self.handler, 'ask_extension', {'reason': self.r.pick(words.EXTENSION_REASONS)})
        if self.r.chance(800):
            self.add(work_on(self.t, self.r.span(20, 120)), self.who('派单员'), 'extend', {'note': '同意延期一次。'})
            return close_of(due, 5)
        self.add(work_on(self.t, self.r.span(20, 120)), self.who('派单员'), 'refuse_extension', {'note': '请在原时限内办结。'})
        return due

    def supervised(self, due):
        """What happens in the supervision case that the breach opens."""
        t = self.add(work_on(due, self.r.span(60, 700)), self.handler, 'report', {'measures': self.r.pick(words.MEASURES)}, 'supervises')
        if self.r.chance(200):
            t = self.add(work_on(t, self.r.span(30, 200)), self.who('督办员'), 'reject_report', {'note': words.REJECTED[0]}, 'supervises')
            t = self.add(work_on(t, self.r.span(60, 400)), self.handler, 'report', {'measures': self.r.pick(words.MEASURES)}, 'supervises')
        self.add(work_on(t, self.r.span(40, 400)), self.who('督办员'), 'accept_report', {'note': '同意办结，纳入月度通报。'}, 'supervises')

    def finish(self, due, late, answer):
        if late:
            if self.urgency == 1:
                t = due + timedelta(minutes=self.r.span(25, 240))
            else:
                t = work_on(due, self.r.span(90, 1900))
            self.supervised(due)
        else:
            t = self.t + timedelta(minutes=self.r.span(15, 60)) if self.urgency == 1 else work_on(
                self.t, self.r.span(*{2: (40, 330), 3: (120, 1750), 4: (1200, 5200)}[self.urgency]))
            limit = due - timedelta(minutes=12 if self.urgency == 1 else 75)
            if t > limit:
                t = max(limit, self.t + timedelta(minutes=2))
        self.add(t, self.handler, 'finish', {'answer': answer})

    def callback(self, due, late, margin, tries):
        """Called after the deadline; True when the case has to go back to work."""
        r = self.r
        t = work_on(close_of(max(due, self.t), 1) if margin else max(due, self.t), r.span(15, 700))
        caller = self.who('回访员')
        while r.chance(70):
            self.add(t, caller, 'no_answer')
            self.calls += 1
            if self.calls == 3:
                return False
            t = work_on(close_of(self.t, 0), r.span(500, 800))
        easy = not late and tries == 0  # what comes back a second time is harder
        resolved = r.chance(915 if easy else 780)
        satisfied = resolved and r.chance(930 if easy else 780)
        mood = 'good' if satisfied else 'fair' if resolved else 'bad'
        self.add(t, caller, 'callback', {'contacted_in_time': r.chance(780 if late else 960), 'resolved': resolved,
                                         'satisfied': satisfied, 'note': r.pick(words.CALL_NOTES[mood])})
        return not (resolved and satisfied) and tries < 1

    def run(self):
        r, case = self.r, self.case
        self.calls = 0
        if r.chance(14):
            self.add(self.later(20, 95), self.who('派单员'), 'decline', {'reason': r.pick(words.DECLINES)})
            return
        due = due_of(self.dispatch(case['unit']), self.urgency)
        self.sign()
        if r.chance(10):
            self.add(self.later(30, 200), self.who('派单员'), 'withdraw', {'reason': r.pick(words.WITHDRAWALS)})
            return
        late = r.chance(85)
        margin = False
        if not late and self.urgency >= 3 and r.chance(45):
            margin = True               # a pause may move the due instant: call a day later
            self.returned()
        elif not late and self.urgency == 3 and r.chance(50):
            margin = True
            due = self.extended(due)
        self.finish(due, late, case['answer'])
        tries = 0
        while self.callback(due, late, margin, tries):
            due, late, margin, tries = due_of(self.t, self.urgency), False, False, tries + 1
            self.sign()
            self.finish(due, False, '再次到场核实：' + case['answer'])


def story(case, rows):
    """A life written by hand: 'MM-DD HH:MM actor event key=value…'."""
    for line, data, link in rows:
        day, hour, actor, event = line.split()
        t = datetime.strptime(f'2026-{day} {hour}', '%Y-%m-%d %H:%M')
        case['life'].append((t, actor, event, data, link))
    return case


def handlers(staff):
    found = {}
    for s in staff:
        found.setdefault(s[3] if s[2] == '承办人' else s[2], s[0])
    return found


def make_stories(staff, places, residents):
    """One return, one extension, one breach with supervision, one rework, each worth reading."""
    who = handlers(staff)
    disp, call, boss = who['派单员'], who['回访员'], who['督办员']

    def case(opened, category, urgency, grid, where, person, unit, text):
        return {'opened': datetime.strptime('2026-' + opened, '%Y-%m-%d %H:%M'), 'source': '12345热线', 'category': category, 'urgency': urgency,
                'grid': grid, 'place': places[grid, where], 'where': where, 'reporter': residents[person], 'text': text, 'unit': unit, 'life': []}

    good = {'contacted_in_time': True, 'resolved': True, 'satisfied': True}
    lamp = story(case('03-03 09:12', 'lighting', 3, 'G03', '厂前路南段', 190, 'U01', '厂前路南段三盏路灯不亮快半个月了，宿舍里老人多，晚上散步回来看不清台阶。'), [
        (f'03-03 09:40 {disp} dispatch', {'unit': 'U01'}, ''), (f"03-03 10:15 {who['U01']} sign", {}, ''),
        (f"03-03 10:50 {who['U01']} return", {'reason': '厂前路是市政道路，路灯由供电所管养，不属于小区物业。'}, ''),
        (f'03-03 11:20 {disp} rule', {'granted': True, 'note': '查承办目录属实，改派供电服务所。'}, ''),
        (f'03-03 11:25 {disp} dispatch', {'unit': 'U05', 'note': '同一路段三盏，请一并检修。'}, ''), (f"03-03 13:45 {who['U05']} sign", {}, ''),
        (f"03-04 16:20 {who['U05']} finish", {'answer': '电缆接头进水短路，已重做接头并更换三盏灯头，当晚试亮正常。'}, ''),
        (f'03-12 09:30 {call} callback', dict(good, note='老人说终于敢出来散步了。'), '')])
    lift = story(case('03-16 08:50', 'elevator', 3, 'G05', '4幢', 240, 'U02', '桂语里4幢2单元电梯一开一关要等好久，还老是夹人，买菜的推车进不去。'), [
        (f'03-16 09:20 {disp} dispatch', {'unit': 'U02'}, ''), (f"03-16 09:50 {who['U02']} sign", {}, ''),
        (f"03-19 10:10 {who['U02']} ask_extension", {'reason': '光幕和门机需向厂家订货，预计下周到货。'}, ''),
        (f'03-19 14:05 {disp} extend', {'note': '已向诉求人说明，同意延期一次。'}, ''),
        (f"03-27 15:40 {who['U02']} finish", {'answer': '光幕和门机已更换，开关门时间调到规定范围，维保记录贴在轿厢内。'}, ''),
        (f'04-01 09:20 {call} callback', dict(good, note='诉求人表示理解延期，结果满意。'), '')])
    leak = story(case('04-01 10:05', 'leak', 3, 'G01', '3幢', 20, 'U01', '梧桐苑3幢1单元顶楼漏雨，清明前后雨多，卧室天花板已经鼓包，怕掉下来砸到人。'), [
        (f'04-01 10:20 {disp} dispatch', {'unit': 'U01', 'note': '请先联系诉求人。'}, ''), (f"04-01 10:50 {who['U01']} sign", {}, ''),
        (f"04-10 10:00 {who['U01']} report", {'measures': '施工队排期满。'}, 'supervises'),
        (f'04-10 14:00 {boss} reject_report', {'note': '只写排期满不行，请写明何时完工、由谁负责。'}, 'supervises'),
        (f"04-10 16:30 {who['U01']} report", {'measures': '由工程主管负责，周末搭雨棚抢修，十三日上午完工；今后雨季前先查屋面。'}, 'supervises'),
        (f'04-13 09:30 {boss} accept_report', {'note': '同意，完工后抽查。'}, 'supervises'),
        (f"04-13 11:00 {who['U01']} finish", {'answer': '屋面卷材已重铺，天花板鼓包铲除，等干透后免费粉刷。'}, ''),
        (f'04-14 10:00 {call} callback', dict(good, contacted_in_time=False, note='修得好，就是来得太晚。'), '')])
    night = story(case('04-20 22:40', 'noise', 3, 'G06', '幸福路夜市街', 265, 'U04', '幸福路夜市街烧烤摊夜里十一点还在划拳唱歌，孩子第二天要上学，根本睡不着。'), [
        (f'04-21 09:10 {disp} dispatch', {'unit': 'U04'}, ''), (f"04-21 09:35 {who['U04']} sign", {}, ''),
        (f"04-23 15:00 {who['U04']} finish", {'answer': '已对三家烧烤店口头劝导，要求十点后不得在店外摆桌。'}, ''),
        (f'04-29 10:00 {call} callback', {'contacted_in_time': True, 'resolved': False, 'satisfied': False, 'note': '劝了两天又摆出来了。'}, ''),
        (f"04-29 10:40 {who['U04']} sign", {}, ''),
        (f"05-07 16:00 {who['U04']} finish", {'answer': '与商户、居民开了三次议事会，签订夜市公约：十点收桌、十点半关音响，违反两次停摆一周；中队每晚十点到场。'}, ''),
        (f'05-11 10:00 {call} callback', dict(good, note='这个星期真的安静了。'), '')])
    return [lamp, lift, leak, night]


def number(cases):
    count = {}
    for case in cases:
        day = case['opened'].strftime('%Y%m%d')
        count[day] = count.get(day, 0) + 1
        case['number'] = f'XF{day}-{count[day]:03d}'


def make_checks(homes_of, staff):
    """Each week each officer checks five households; people get better at it."""
    r = Random(71)
    officer = {s[4]: s[0] for s in staff if s[4]}
    checks = []
    for week in range(13):
        for grid in GRIDS:
            day = datetime(2026, 3, 3) + timedelta(days=7 * week + r.below(3))
            if not is_work(day.date()):
                day = datetime(2026, 5, 6) if day.month == 5 else datetime(2026, 4, 7)
            for k in range(5):
                opened = day + timedelta(hours=9, minutes=5 * k)
                home = homes_of[grid[0]][(week * 5 + k) % len(homes_of[grid[0]])]
                done = opened + timedelta(minutes=r.span(30, 140), seconds=r.below(60))
                good = r.chance(640 + 20 * week)
                data = {'sorted': good, 'note': r.pick(words.CHECK_GOOD if good else words.CHECK_BAD)}
                life = [] if r.chance(12) else [(done, officer[grid[0]], 'record', {k: v for k, v in data.items() if v != ''}, '')]
                checks.append({'number': f'LJ2026{week + 10:02d}-{grid[0]}-{k + 1}', 'opened': opened, 'grid': grid[0],
                               'home': home[0], 'officer': officer[grid[0]], 'life': life})
    return sorted(checks, key=lambda c: (c['opened'], c['number']))


# ---- files

def wide(text):
    return ''.join(chr(ord(c) + 0xFEE0) if c.isdigit() else c for c in text)


def office_time(n, t):
    """Most rows as a spreadsheet shows them, some as another office writes them."""
    if n % 11 == 5:
        return f'{t.year}年{t.month}月{t.day}日 {t:%H:%M}'
    text = f'{t.year}/{t.month}/{t.day} {t.hour}:{t.minute:02d}'
    return wide(text) if n % 97 == 40 else text


def request_rows(cases):
    rows = []
    for n, c in enumerate(cases):
        who = c['reporter']
        phone = who[4] if who else '-'
        rows.append([c['number'], office_time(n, c['opened']), c['source'], words.CATEGORIES[c['category']][0], URGENCY[c['urgency']],
                     c['where'], degrees(c['place'][0]), degrees(c['place'][1]), who[0] if who else '无',
                     wide(phone) if n % 61 == 7 else phone, c['text']])
    return rows


def spoil(rows):
    """The wrong rows, and what an import has to say about each."""
    notes = []

    def put(at, row, result, reason):
        rows.insert(at, row)
        notes.append((row, result, reason))

    def like(at, day, last, **change):
        row = list(rows[at])
        row[0] = f'XF{day}-{last}'
        for column, value in change.items():
            row[int(column[1:])] = value
        return row

    put(30, like(29, '20260306', '901', c1=''), 'refused', 'opened_at: blank')
    put(62, like(61, '20260230', '901', c1='2026-02-30 10:15'), 'refused', 'opened_at: no such day')
    put(101, like(100, '20260320', '902', c3='投诉类'), 'refused', 'category: unknown value')
    put(150, like(149, '20260330', '903', c6=rows[149][7], c7=rows[149][6]), 'refused', 'place: latitude out of range (swapped)')
    put(203, like(202, '20260409', '904', c4='特急'), 'refused', 'urgency: unknown value')
    put(255, like(254, '20260418', '905', c8='R9999'), 'refused', 'reporter: no such resident')
    put(301, [''] + rows[300][1:], 'refused', 'number: blank')
    put(352, list(rows[351]), 'repeated', 'number: the same row again, adds nothing')
    for at, x, y, reason in ((120, '120.170200', '30.310500', 'place: outside every grid'), (330, '', '', 'place: blank')):
        rows[at][6], rows[at][7] = x, y
        notes.append((rows[at], 'flagged', reason))
    return notes


def table(header, rows, end='\n'):
    out = io.StringIO()
    writer = csv.writer(out, lineterminator=end)
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue()


def geojson(rings, staff):
    officer = {s[4]: s[0] for s in staff if s[4]}
    lines = []
    for code, name, estate, _, _, _ in GRIDS:
        ring = [[float(f'{x // 100000}.{x % 100000:05d}'), float(f'{y // 100000}.{y % 100000:05d}')] for x, y in rings[code]]
        lines.append(json.dumps({'type': 'Feature', 'properties': {'code': code, 'name': name, 'estate': estate, 'officer': officer[code]},
                                 'geometry': {'type': 'Polygon', 'coordinates': [ring]}}, ensure_ascii=False))
    return '{"type": "FeatureCollection", "name": "幸福里社区网格", "features": [\n' + ',\n'.join(lines) + '\n]}\n'


def event_rows(cases):
    life = [(t, c['number'], n, actor, event, data, link) for c in cases for n, (t, actor, event, data, link) in enumerate(c['life']) if t < END]
    life.sort(key=lambda e: (e[0], e[1], e[2]))
    return [[f'E{n:05d}', t.strftime('%Y-%m-%d %H:%M:%S'), number, link, actor, OPS[event],
             json.dumps(data, ensure_ascii=False, separators=(',', ':'))] for n, (t, number, _, actor, event, data, link) in enumerate(life, 1)]


def make_cases(homes, people, staff, places):
    homes_of = {g[0]: [h for h in homes if h[5] == g[0]] for g in GRIDS}
    people_of = {h[0]: [p for p in people if p[5] == h[0]] for h in homes}
    r = Random(53)
    cases = []
    for t in open_times(r, 486):
        case = make_request(r, t, places, people_of, homes_of)
        Life(r, case, staff).run()
        cases.append(case)
    cases[-9]['text'] += '😡'
    cases = sorted(cases + make_stories(staff, places, people), key=lambda c: c['opened'])
    number(cases)
    return cases, make_checks(homes_of, staff)


def main(folder):
    rings = make_grids()
    places, staff = make_places(rings), make_staff()
    homes, people = make_people()
    cases, checks = make_cases(homes, people, staff, places)
    rows = request_rows(cases)
    notes = spoil(rows)
    expected = [('requests.csv', rows.index(row) + 2 if result != 'repeated' else rows.index(row) + 3, row[0], result, reason)
                for row, result, reason in notes]
    bad_home = ('H9001', '梧桐苑', '1幢', '1单元', '101', 'G99', '否', '')
    bad_people = [['R9001', '钱多多', '女', '1873', '13800008888', 'H0001', ''], ['R9002', '孔方', '男', '1980', '1380000', 'H0001', '']]
    expected += [('households.csv', len(homes) + 2, 'H9001', 'refused', 'grid: no such grid'),
                 ('residents.csv', len(people) + 2, 'R9001', 'refused', 'birth_year: below 1900'),
                 ('residents.csv', len(people) + 3, 'R9002', 'refused', 'phone: does not match')]
    crlf = '\r\n'
    request_header = ['工单编号', '受理时间', '来源', '类别', '紧急程度', '地点描述', '经度', '纬度', '诉求人编号', '联系电话', '诉求内容']
    files = {
        'grids.geojson': geojson(rings, staff).encode(),
        'units.csv': table(['单位编码', '单位名称', '类型'], UNITS, crlf).encode('gb18030'),
        'staff.csv': table(['工号', '姓名', '角色', '单位编码', '网格编码', '电话'], staff, crlf).encode('utf-8-sig'),
        'households.csv': table(['户编号', '小区', '楼栋', '单元', '室', '网格编码', '重点户', '标签'], homes + [bad_home]).encode(),
        'residents.csv': table(['居民编号', '姓名', '性别', '出生年份', '手机', '户编号', '标签'],
                               [p[:4] + [wide(p[4]) if n % 83 == 9 else p[4]] + p[5:] for n, p in enumerate(people)] + bad_people, crlf).encode('utf-8-sig'),
        'requests.csv': table(request_header, rows, crlf).encode('gb18030'),
        'checks.csv': table(['检查单号', '开单时间', '网格编码', '户编号', '检查人'],
                            [[c['number'], f"{c['opened'].year}年{c['opened'].month}月{c['opened'].day}日 {c['opened']:%H:%M}", c['grid'], c['home'],
                              c['officer']] for c in checks], crlf).encode('utf-8-sig'),
        'events.csv': table(['流水号', '时间', '单号', '关联', '操作人', '操作', '数据'], event_rows(cases + checks)).encode(),
        'expected.csv': table(['file', 'line', 'number', 'result', 'reason'], sorted(expected)).encode(),
    }
    os.makedirs(folder, exist_ok=True)
    for name, data in files.items():
        with open(os.path.join(folder, name), 'wb') as out:
            out.write(data)


if __name__ == '__main__':
    main(sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), 'data'))
