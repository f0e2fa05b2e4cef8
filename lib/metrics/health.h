// What /health says: the Go original's fields, names unchanged, and new ones beside them (sheet
// B.4).
//
// A pure function.
#pragma once

#include <string>

#include "metrics/condition.h"

namespace espalier::metrics {

std::string health_json(const Condition& condition);

}  // namespace espalier::metrics
