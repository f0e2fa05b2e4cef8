// CHECK states what must be true in every build; when it is not, the process ends at once
// with the place and the broken sentence on stderr.
#pragma once

namespace espalier::base {

[[noreturn]] void check_failed(const char* expression, const char* file, int line);

}  // namespace espalier::base

#define ESPALIER_CHECK(expression) \
    (static_cast<bool>(expression) \
         ? static_cast<void>(0)    \
         : ::espalier::base::check_failed(#expression, __FILE__, __LINE__))
