#include "base/fd.h"

#include <unistd.h>

namespace espalier::base {

void Fd::reset(int fd) {
    const int old = std::exchange(fd_, fd);
    if (old >= 0) ::close(old);
}

}  // namespace espalier::base
