/* Network simplex: integers for the nodes of a graph without cycles, such that every edge is at least as long as it must
 * be and the weighted sum of lengths is least. Used for layers and for the x of what lies in them.
 *
 * The feasible start is the longest path from node `count`, to which every node hangs by an edge of weight 0; each node
 * then has a tight edge towards it, and these are the first tree. The cut value of a tree edge is the weight that
 * leaves the subtree below it less the weight that enters, so one sum over the subtree gives it. */
#include "diagram/inner.h"

#include <string.h>

typedef struct solver {
    uint32_t n; /* nodes, the one above all included: it is the last */
    diagram_edge *edges;
    uint32_t m;
    int32_t *x;
    uint32_t *parent, *up; /* tree: the node above, and the edge to it */
    uint32_t *child, *next, *order, *low, *high, *stack;
    int64_t *sum;
    int64_t *balance; /* weight that leaves a node less what enters */
} solver;

static bool make(diagram_job *g, solver *s, uint32_t count, diagram_edge *edges, uint32_t edge_count)
{
    s->n = count + 1;
    s->m = edge_count + count;
    s->edges = diagram_alloc(g, s->m, sizeof *s->edges);
    s->x = diagram_alloc(g, s->n, sizeof *s->x);
    uint32_t **const lists[] = {&s->parent, &s->up, &s->child, &s->next, &s->order, &s->low, &s->high, &s->stack};
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        *lists[i] = diagram_alloc(g, s->n, sizeof(uint32_t));
    s->sum = diagram_alloc(g, s->n, sizeof *s->sum);
    s->balance = diagram_alloc(g, s->n, sizeof *s->balance);
    if (g->failed)
        return false;
    if (edge_count > 0)
        memcpy(s->edges, edges, edge_count * sizeof *edges);
    for (uint32_t i = 0; i < count; i++)
        s->edges[edge_count + i] = (diagram_edge){count, i, 0, 0};
    for (uint32_t i = 0; i < s->m; i++) {
        s->balance[s->edges[i].tail] += s->edges[i].weight;
        s->balance[s->edges[i].head] -= s->edges[i].weight;
    }
    return true;
}

/* Longest paths; every node's tight edge becomes its tree edge. */
static void start(diagram_job *g, solver *s)
{
    uint32_t *degree = diagram_alloc(g, s->n, sizeof *degree), *first = diagram_alloc(g, s->n + 1, sizeof *first);
    uint32_t *out = diagram_alloc(g, s->m, sizeof *out);
    if (g->failed)
        return;
    for (uint32_t i = 0; i < s->m; i++) {
        degree[s->edges[i].head]++;
        first[s->edges[i].tail + 1]++;
    }
    for (uint32_t i = 0; i < s->n; i++)
        first[i + 1] += first[i];
    for (uint32_t i = 0; i < s->m; i++)
        out[first[s->edges[i].tail]++] = i;
    uint32_t done = 0, count = 0;
    for (uint32_t i = 0; i < s->n; i++)
        s->parent[i] = s->up[i] = DIAGRAM_NONE;
    s->stack[count++] = s->n - 1;
    while (done < count) {
        const uint32_t v = s->stack[done++];
        for (uint32_t k = v > 0 ? first[v - 1] : 0; k < first[v]; k++) {
            const diagram_edge *e = &s->edges[out[k]];
            if (s->parent[e->head] == DIAGRAM_NONE || s->x[v] + e->least > s->x[e->head]) {
                s->x[e->head] = s->x[v] + e->least;
                s->parent[e->head] = v;
                s->up[e->head] = out[k];
            }
            if (--degree[e->head] == 0)
                s->stack[count++] = e->head;
        }
    }
}

/* Numbers the tree in preorder, and sums the balances of each subtree. */
static void number(solver *s)
{
    uint32_t count = 0, at = 0;
    for (uint32_t i = 0; i < s->n; i++)
        s->child[i] = s->next[i] = DIAGRAM_NONE;
    for (uint32_t i = s->n; i-- > 0;)
        if (s->parent[i] != DIAGRAM_NONE) {
            s->next[i] = s->child[s->parent[i]];
            s->child[s->parent[i]] = i;
        }
    s->stack[count++] = s->n - 1;
    while (count > 0) {
        const uint32_t v = s->stack[--count];
        s->order[at] = v;
        s->low[v] = at++;
        for (uint32_t k = s->child[v]; k != DIAGRAM_NONE; k = s->next[k])
            s->stack[count++] = k;
    }
    for (uint32_t i = 0; i < s->n; i++) {
        s->sum[i] = s->balance[i];
        s->high[i] = s->low[i];
    }
    for (uint32_t i = at; i-- > 1;) {
        const uint32_t v = s->order[i], p = s->parent[v];
        s->sum[p] += s->sum[v];
        s->high[p] = s->high[v] > s->high[p] ? s->high[v] : s->high[p];
    }
}

static bool below(const solver *s, uint32_t node, uint32_t top)
{
    return s->low[node] >= s->low[top] && s->low[node] <= s->high[top];
}

static int64_t cut_value(const solver *s, uint32_t v)
{
    return s->edges[s->up[v]].tail == v ? s->sum[v] : -s->sum[v];
}

static int32_t slack(const solver *s, const diagram_edge *e)
{
    return s->x[e->head] - s->x[e->tail] - e->least;
}

/* The edge that takes the place of v's tree edge: the shortest one that crosses the other way. */
static uint32_t entering(const solver *s, uint32_t v)
{
    const bool leads_out = s->edges[s->up[v]].tail == v;
    uint32_t best = DIAGRAM_NONE;
    for (uint32_t i = 0; i < s->m; i++) {
        const diagram_edge *e = &s->edges[i];
        const bool tail = below(s, e->tail, v), head = below(s, e->head, v);
        if (tail == head || tail == leads_out)
            continue;
        if (best == DIAGRAM_NONE || slack(s, e) < slack(s, &s->edges[best]))
            best = i;
    }
    return best;
}

static void shift(solver *s, uint32_t v, int32_t by)
{
    for (uint32_t i = s->low[v]; i <= s->high[v]; i++)
        s->x[s->order[i]] += by;
}

static void exchange(solver *s, uint32_t v, uint32_t in)
{
    const diagram_edge *e = &s->edges[in];
    const bool leads_out = s->edges[s->up[v]].tail == v;
    shift(s, v, leads_out ? -slack(s, e) : slack(s, e));
    uint32_t at = below(s, e->tail, v) ? e->tail : e->head;
    uint32_t parent = at == e->tail ? e->head : e->tail, up = in;
    for (;;) { /* the subtree hangs by another node now */
        const uint32_t next = s->parent[at], edge = s->up[at];
        s->parent[at] = parent;
        s->up[at] = up;
        if (at == v)
            break;
        parent = at;
        up = edge;
        at = next;
    }
}

static uint32_t leaving(const solver *s)
{
    uint32_t worst = DIAGRAM_NONE;
    for (uint32_t v = 0; v + 1 < s->n; v++)
        if (cut_value(s, v) < 0 && (worst == DIAGRAM_NONE || cut_value(s, v) < cut_value(s, worst)))
            worst = v;
    return worst;
}

/* What can move without a cost goes to the middle of its room. */
static void centre_all(solver *s)
{
    for (uint32_t v = 0; v + 1 < s->n; v++) {
        if (cut_value(s, v) != 0)
            continue;
        const uint32_t in = entering(s, v);
        if (in == DIAGRAM_NONE)
            continue;
        const int32_t room = slack(s, &s->edges[in]);
        if (room > 1)
            shift(s, v, s->edges[s->up[v]].tail == v ? -(room / 2) : room / 2);
    }
}

void diagram_solve(diagram_job *g, uint32_t count, diagram_edge *edges, uint32_t edge_count, bool centre, int32_t *x)
{
    solver s = {0};
    int32_t least = INT32_MAX;
    if (count == 0 || !make(g, &s, count, edges, edge_count))
        return;
    start(g, &s);
    if (g->failed)
        return;
    const uint64_t step = (uint64_t)s.n * 4 + s.m;
    number(&s);
    for (uint64_t work = 0; work < UINT64_C(400000000); work += step) {
        const uint32_t v = leaving(&s);
        const uint32_t in = v != DIAGRAM_NONE ? entering(&s, v) : DIAGRAM_NONE;
        if (in == DIAGRAM_NONE)
            break;
        exchange(&s, v, in);
        number(&s);
    }
    if (centre && (uint64_t)s.n * s.m < UINT64_C(100000000))
        centre_all(&s);
    for (uint32_t i = 0; i < count; i++)
        least = s.x[i] < least ? s.x[i] : least;
    for (uint32_t i = 0; i < count; i++)
        x[i] = s.x[i] - least;
}
