#!/usr/bin/env python3
"""Checks the data of the example community: it is what its generator writes, and it holds together.

Prints one line for each check, `ok NAME` or `not ok NAME: why`; exits 1 when one fails. Needs nothing but Python.
"""
import csv
import io
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
COMMUNITY = os.path.join(HERE, '..', '..', 'examples', 'community')
DATA = os.path.join(COMMUNITY, 'data')


def rows(name, encoding='utf-8-sig'):
    with open(os.path.join(DATA, name), 'rb') as file:
        return list(csv.DictReader(io.StringIO(file.read().decode(encoding), newline='')))


def wrong_numbers():
    return {row['number'] for row in rows('expected.csv') if row['result'] == 'refused'}


def generated():
    """The committed files are, byte for byte, what make_data.py writes."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, '-B', os.path.join(COMMUNITY, 'make_data.py'), folder], check=True)
        for name in sorted(os.listdir(folder)):
            with open(os.path.join(folder, name), 'rb') as new, open(os.path.join(DATA, name), 'rb') as old:
                assert new.read() == old.read(), f'{name} differs from what make_data.py writes'


def references():
    """Every code in a row that is not expected to be refused names something that exists."""
    with open(os.path.join(DATA, 'grids.geojson'), encoding='utf-8') as file:
        grids = {f['properties']['code']: f['properties'] for f in json.load(file)['features']}
    units = {row['单位编码'] for row in rows('units.csv', 'gb18030')}
    staff = {row['工号']: row for row in rows('staff.csv')}
    homes = {row['户编号'] for row in rows('households.csv') if row['户编号'] not in wrong_numbers()}
    people = {row['居民编号'] for row in rows('residents.csv') if row['居民编号'] not in wrong_numbers()}
    for row in staff.values():
        assert row['单位编码'] in units and row['网格编码'] in {'', *grids}, row
    for grid in grids.values():
        assert staff[grid['officer']]['网格编码'] == grid['code'], grid
    for row in rows('residents.csv'):
        assert row['户编号'] in homes, row
    for row in rows('requests.csv', 'gb18030'):
        assert row['工单编号'] in wrong_numbers() or row['诉求人编号'] in people | {'无'}, row
    for row in rows('checks.csv'):
        assert row['户编号'] in homes and staff[row['检查人']]['网格编码'] == row['网格编码'], row


def lives():
    """Events are in the order of time, belong to a case that opens, and never come before it."""
    numbers = {row['工单编号'] for row in rows('requests.csv', 'gb18030')} | {row['检查单号'] for row in rows('checks.csv')}
    staff = {row['工号'] for row in rows('staff.csv')}
    before, seen = '', set()
    for row in rows('events.csv'):
        assert row['单号'] in numbers - wrong_numbers() and row['操作人'] in staff, row
        assert before <= row['时间'] < '2026-06-01' and row['流水号'] not in seen, row
        json.loads(row['数据'])
        before = row['时间']
        seen.add(row['流水号'])


def stories():
    """The quarter holds a ruled return, a granted extension, a supervision, a rework, and checks with both results."""
    by_case = {}
    for row in rows('events.csv'):
        by_case.setdefault(row['单号'], []).append(row['操作'])
    for wanted in ('退单 退单审核 派单 签收 答复 回访', '申请延期 同意延期 答复 回访', '督办上报 督办退回 督办上报 督办通过 答复 回访',
                   '答复 回访 签收 答复 回访'):
        assert any(wanted in ' '.join(life) for life in by_case.values()), wanted
    results = {json.loads(row['数据'])['sorted'] for row in rows('events.csv') if row['操作'] == '检查登记'}
    assert results == {True, False}


def expected():
    """Each wrong row stands on the line that expected.csv names."""
    for row in rows('expected.csv'):
        encoding = 'gb18030' if row['file'] == 'requests.csv' else 'utf-8-sig'
        with open(os.path.join(DATA, row['file']), 'rb') as file:
            line = file.read().decode(encoding).splitlines()[int(row['line']) - 1]
        assert line.startswith(row['number'] + ','), (row, line)


def main():
    failed = 0
    for check in (generated, references, lives, stories, expected):
        try:
            check()
            print(f'ok community_data.{check.__name__}')
        except Exception as error:  # whatever goes wrong is a failed check
            failed += 1
            print(f'not ok community_data.{check.__name__}: {error}')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
