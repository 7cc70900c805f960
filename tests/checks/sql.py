"""One SQL text serves SQLite and PostgreSQL: what the rooms hand to the store stays in the subset of both, and carries
the community wherever a table is named. Only libgov/store knows the engines' own dialects.

Statements are the string literals in libgov's C sources that begin with SELECT, INSERT, UPDATE, DELETE or WITH; parts of
statements made at run time (WHERE ..., AND ..., ORDER BY ...) obey the same rules of dialect.
"""

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from checklib import ROOT, blank, finish, literals_defined, notices, read, report, strings, walk

STATEMENT = re.compile(r"^\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\s")
PART = re.compile(r"^\s*(FROM|WHERE|AND|OR|ORDER BY|GROUP BY|HAVING|LIMIT|JOIN|LEFT JOIN|ON CONFLICT|SET|RETURNING|"
                  r"VALUES|UNION|EXISTS)\s")
OTHER = re.compile(r"^\s*(CREATE|ALTER|DROP|PRAGMA|BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|COPY|VACUUM|ANALYZE|ATTACH|"
                   r"LISTEN|NOTIFY|LOCK|TRUNCATE|REPLACE|EXPLAIN|REINDEX|GRANT)\s+[A-Z_a-z]+")

# Tables that do not belong to one community, and why.
SHARED_TABLES = {
    "gov_store_meta": "notes of the store itself",
    "gov_store_schema": "schema versions of the store",
    "gov_store_node": "id leases of connections",
    "gov_community": "the list of communities",
}

# Files above the store that must name a table as a whole, each with its reason:
# (file below libgov, a part of the statement): reason
SHARED_STATEMENTS = {}

RULES = [
    (r"::", "a cast is written CAST(x AS type)"),
    (r"\bI?LIKE\b|\bGLOB\b|\bREGEXP\b|\bSIMILAR\b|~", "no pattern matching"),
    (r"(=|<>|!=|<|>)\s*(ANY|ALL|SOME)\b", "no = ANY"),
    (r"\bjsonb?\w*\b|->", "no JSON in SQL"),
    (r"\barray\b|\bunnest\b|\[|\]", "no arrays"),
    (r"/|%|\b(div|mod)\b", "no division"),
    (r"\?|(?<![\w$:]):\w|(?<![\w])@\w", "parameters are $1, $2, ..."),
    (r"\bON\s+CONFLICT\b(?!\s*\()", "ON CONFLICT names its columns"),
    (r"\bON\s+CONSTRAINT\b", "no constraint names"),
    (r"\b(INSERT|UPDATE)\s+OR\b|\bREPLACE\s+INTO\b|\bMERGE\b", "no INSERT OR"),
    (r"\(\s*(INSERT|UPDATE|DELETE)\b", "no writing inside a query"),
    (r"\bOFFSET\b", "pages go by key, not OFFSET"),
    (r"\bLIMIT\s+[^\s,()]+\s*,|\bLIMIT\s+-", "LIMIT takes one count"),
    (r"\bFETCH\s+FIRST\b", "LIMIT, not FETCH"),
    (r"(?<!CAST\()(?<!CAST\( )\b(sum|avg|total)\s*\(", "CAST(sum(x) AS BIGINT), and no averages"),
    (r"\bFOR\s+(NO\s+KEY\s+)?(UPDATE|SHARE)\b|\bSKIP\s+LOCKED\b", "row locks are a flag of the statement"),
    (r"\b(now|random|datetime|date|time|strftime|julianday|unixepoch|extract|date_trunc|to_char|clock_timestamp)\s*\(|"
     r"\bCURRENT_(DATE|TIME|TIMESTAMP)\b|\bINTERVAL\b|\bTIMESTAMPTZ?\b", "time is an integer and comes from outside"),
    (r"\b(last_insert_rowid|changes|rowid|oid|ctid|xmin|serial|bigserial|autoincrement|nextval|currval)\b",
     "no engine's own numbers"),
    (r"\bTRIGGER\b|\badvisory\b|\bLISTEN\b|\bNOTIFY\b", "no triggers, no advisory locks, no LISTEN"),
    (r"\bTRUE\b|\bFALSE\b|\bBOOLEAN\b|\bIS\s+(NOT\s+)?(UNKNOWN)\b", "booleans are 0 and 1"),
    (r"\bIS\s+(NOT\s+)?DISTINCT\s+FROM\b|\b(RIGHT|FULL|NATURAL)\s+(OUTER\s+)?JOIN\b", "not in every SQLite from 3.37 on"),
    (r"\b(ifnull|iif|greatest|least|instr|strpos|position|string_agg|group_concat|printf|format|concat|concat_ws|left|"
     r"right|char_length|octet_length|typeof|hex|encode|decode|upper|lower|substring|replace|date_part|regexp_\w+)\s*\(",
     "a function that only one engine has, or has otherwise"),
    (r"\b(REAL|FLOAT\d?|DOUBLE|NUMERIC|DECIMAL|VARCHAR|CHAR|DATETIME|UUID|BLOB|BYTEA|INT|INTEGER|SMALLINT)\b(?!\s*\()",
     "types are BIGINT and TEXT"),
    (r"\bISNULL\b|\bNOTNULL\b|==|`|\bIS\s+(?!NOT\b|NULL\b)", "IS NULL and = as both engines read them"),
    (r'"', "no quoted names"),
    (r"\bCOLLATE\b(?!\s+\"C\")", 'COLLATE "C" is the only one'),
    (r"\bE'|\bX'|\$\$", "no engine's own literals"),
    (r"\bLATERAL\b|\bDISTINCT\s+ON\b|\bFILTER\b|\bGROUPING\b|\bUSING\b|\bWINDOW\b|\bMATERIALIZED\b|\bTABLESAMPLE\b",
     "outside the common subset"),
    (r";", "one statement, without a semicolon"),
]
RULES = [(re.compile(p, re.I if p.islower() else 0), why) for p, why in RULES]
IGNORE_CASE = [(re.compile(p.pattern, re.I), why) for p, why in RULES]


def dialect(sql):
    """Why this text is outside the subset, a reason each."""
    bare = re.sub(r"'(?:[^']|'')*'", "''", sql)
    kept = re.sub(r'\bCOLLATE\s+"C"', "", bare)
    reasons = [why for pattern, why in IGNORE_CASE if pattern.search(kept)]
    if re.search(r"\$0|\$(?!\d)", kept):
        reasons.append("parameters are $1, $2, ...")
    return list(dict.fromkeys(reasons))


def named_tables(sql):
    bare = re.sub(r"'(?:[^']|'')*'", "''", sql)
    withs = set(re.findall(r"(?:\bWITH\s+(?:RECURSIVE\s+)?|,\s*)(\w+)\s*(?:\([^()]*\)\s*)?AS\s*\(", bare, re.I))
    names = re.findall(r"\b(?:FROM|JOIN|INTO|UPDATE)\s+(?!SET\b|SELECT\b)([a-z_]\w*)", bare)
    return [n for n in names if n not in withs]


def community(sql):
    """Each table that is named needs the community beside it: as often as tables, no less."""
    tables = [n for n in named_tables(sql) if n not in SHARED_TABLES]
    mentions = len(re.findall(r"\bcommunity\b", sql))
    if tables and mentions == 0:
        return f"names {tables[0]} and no community"
    if len(tables) > mentions:
        return f"names {len(tables)} tables, the community only {mentions} times"
    return None


def nullable_columns(root):
    """table name -> its columns that may be NULL, from the tables declared as data."""
    columns, tables = {}, {}
    for path in walk(root, "libgov", [".c"]):
        text = blank(read(os.path.join(root, path)), keep_strings=True)
        for m in re.finditer(r"\bstore_column\s+(\w+)\s*\[\s*\]\s*=\s*\{(.*?)\}\s*;", text, re.S):
            columns[path, m.group(1)] = set(re.findall(r'\{\s*"(\w+)"\s*,\s*STORE_\w+\s*,\s*true\b', m.group(2)))
        for m in re.finditer(r"\bstore_table\s+\w+\s*=\s*\{(.*?)\}\s*;", text, re.S):
            name = re.search(r'(?:\.name\s*=\s*)?"(\w+)"', m.group(1))
            for (where, var), nullable in columns.items():
                if where == path and name and re.search(rf"\b{var}\b", m.group(1)):
                    tables[name.group(1)] = nullable
    return tables


def nulls(sql, nullable):
    """ORDER BY a column that may be NULL says where the NULLs go: the engines differ."""
    may = set().union(*[nullable.get(t, set()) for t in named_tables(sql)] or [set()])
    for order in re.findall(r"\bORDER BY\s+(.*?)(?=\bLIMIT\b|\)|$)", sql, re.S):
        for term in order.split(","):
            words = term.split()
            if words and words[0].split(".")[-1] in may and not re.search(r"\bNULLS (FIRST|LAST)\b", term):
                return f"ORDER BY {words[0]} may meet NULLs and does not say NULLS FIRST"
    return None


def check(root):
    problems, nullable, shared = [], nullable_columns(root), {}
    for path in walk(root, "libgov", [".h"]):
        shared.update(literals_defined(read(os.path.join(root, path))))
    for path in walk(root, "libgov", [".c", ".h"]):
        below = path.split(os.sep, 1)[1].replace(os.sep, "/")
        if below.startswith("store/"):
            continue
        for sql, line in strings(read(os.path.join(root, path)), shared):
            whole = STATEMENT.match(sql)
            if OTHER.match(sql) and re.search(r"\b(TABLE|INDEX|TRANSACTION|IMMEDIATE|FROM|TO|gov_)", sql):
                problems.append(f"{path}:{line}: {sql.split()[0]} is the store's business")
            if not whole and not PART.match(sql):
                continue
            problems += [f"{path}:{line}: {why}: {sql.strip()[:60]!r}" for why in dialect(sql)]
            if any(below == f and part in sql for f, part in SHARED_STATEMENTS):
                continue
            for why in filter(None, [community(sql) if whole else None, nulls(sql, nullable)]):
                problems.append(f"{path}:{line}: {why}: {sql.strip()[:60]!r}")
    return problems


report("SQL stays in the subset of both engines", check(ROOT))


def bad(sql, *expect):
    notices(sql, check, {"libgov/case/a.c": f'static const char q[] = "{sql}";\n'}, *expect)


FROM = "FROM gov_case WHERE community = $1"
bad(f"SELECT id::text {FROM}", "CAST")
bad(f"SELECT id {FROM} AND name LIKE $2", "no pattern")
bad(f"SELECT id {FROM} AND id = ANY($2)", "no = ANY")
bad(f"SELECT body->'x' {FROM}", "no JSON")
bad(f"SELECT a / b {FROM}", "no division")
bad("SELECT id FROM gov_case WHERE community = ?", "parameters")
bad("INSERT INTO gov_case (community, id) VALUES ($1, $2) ON CONFLICT DO NOTHING", "names its columns")
bad("INSERT OR IGNORE INTO gov_case (community, id) VALUES ($1, $2)", "no INSERT OR")
bad("WITH x AS (DELETE FROM gov_case WHERE community = $1 RETURNING id) SELECT id FROM x", "no writing inside")
bad(f"SELECT sum(n) {FROM}", "CAST(sum")
bad(f"SELECT id {FROM} FOR UPDATE", "row locks")
bad(f"SELECT id {FROM} AND open = TRUE", "booleans")
bad(f"SELECT id {FROM} ORDER BY id LIMIT 10 OFFSET 20", "OFFSET")
bad("SELECT id FROM gov_case WHERE id = $1", "no community")
bad("SELECT a.id FROM gov_case a JOIN gov_step b ON b.case_id = a.id WHERE a.community = $1", "only 1 times")
bad("CREATE TABLE gov_x (id BIGINT)", "store's business")
bad(f"SELECT now() {FROM}", "time is an integer")
notices("a dialect hidden in a macro and in pieces", check, {
    "libgov/case/a.c": '#define COLS "id, body::text"\nstatic const char q[] = "SELECT " COLS "\\n"\n'
                       '    " FROM gov_case WHERE community = $1";\n'}, "CAST")
notices("a part of a statement", check, {"libgov/case/a.c": 'f(" AND name LIKE $3");\n'}, "no pattern")
notices("an order that meets NULLs", check, {
    "libgov/case/a.c": 'static const store_column cols[] = {{"id", STORE_INT, false, NULL},\n'
                       '    {"due", STORE_INT, true, NULL}, {0}};\n'
                       'static const store_table t = {.name = "gov_case", .columns = cols};\n'
                       f'static const char q[] = "SELECT id {FROM} ORDER BY due, id";\n'}, "NULLS FIRST")
notices("no fault in what is portable", check, {
    "libgov/case/a.c": 'static const char q[] = "WITH x AS (SELECT community, id FROM gov_case WHERE community = $1) "\n'
                       '"SELECT x.id, CAST(sum(s.n) AS BIGINT), \'a / b :: LIKE\' FROM x JOIN gov_step s "\n'
                       '"ON s.community = x.community AND s.case_id = x.id GROUP BY x.id "\n'
                       '"ORDER BY x.id NULLS FIRST, s.name COLLATE \\"C\\" LIMIT $2";\n'
                       'static const char w[] = "INSERT INTO gov_case (community, id) VALUES ($1, $2) "\n'
                       '"ON CONFLICT (community, id) DO UPDATE SET id = excluded.id RETURNING id";\n'
                       'static const char m[] = "With this, nothing is SELECTed";\n',
    "libgov/store/a.c": 'static const char q[] = "SELECT x::int FROM y";\n'})
finish()
