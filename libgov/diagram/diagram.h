/* Room diagram: a workflow as a picture: text for Mermaid and for Graphviz, or an SVG of our own.
 *
 *   say       what a transition says: event, guard, effects, in the reader's language (say.c, clocks.c)
 *   text      Mermaid and DOT (mermaid.c, dot.c)
 *   graph     boxes, items and links of the chart (graph.c, face.c)
 *   layout    layers (rank.c), order within them (order.c), coordinates (place.c, simplex.c), lines (route.c)
 *   svg       all of it, drawn (svg.c, legend.c)
 *
 * The same workflow and language always give the same bytes. All arithmetic is on integers. */
#ifndef DIAGRAM_DIAGRAM_H
#define DIAGRAM_DIAGRAM_H

#include "rulebook/rulebook.h"

typedef enum diagram_format { DIAGRAM_MERMAID, DIAGRAM_DOT, DIAGRAM_SVG } diagram_format;

/* "mermaid", "dot", "svg"; false: none of them. */
bool diagram_format_named(const char *name, diagram_format *out);

/* Writes the workflow to `out`. lang NULL: the rulebook's first language. GOV_E_LIMIT: too large to be drawn (SVG only). */
gov_status diagram_write(const rulebook_workflow *w, diagram_format format, const char *lang, base_buf *out,
                         const diag *d);

#endif
