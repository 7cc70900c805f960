/* Room operation: the one door to what programmes do when they are asked. A room lists its operations in its rulebook_host words;
 * here they are found by name, their operands checked and looked up, and run behind the gate. */
#ifndef OPERATION_OPERATION_H
#define OPERATION_OPERATION_H

#include "case/case.h"

#include <gov/operation.h>

#endif
