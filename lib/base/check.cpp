#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace espalier::base {

void check_failed(const char* expression, const char* file, int line) {
    std::fprintf(stderr, "espalier: broken invariant: %s (%s:%d)\n", expression, file, line);
    std::abort();
}

}  // namespace espalier::base
