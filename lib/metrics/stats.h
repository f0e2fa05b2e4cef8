// What /stats says: the Go original's fields, names unchanged, and new ones beside them (sheet
// B.4, section F).
//
// A pure function.
#pragma once

#include <string>

#include "metrics/condition.h"

namespace espalier::metrics {

// An object; `indent`: spaces a level, or -1 for one line without a break.
std::string stats_json(const Condition& condition, int indent = 2);

}  // namespace espalier::metrics
