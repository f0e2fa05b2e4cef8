#include "base/thread.h"

#include <utility>

#include <pthread.h>

namespace espalier::base {

std::jthread start_thread(const std::string& name, std::function<void(std::stop_token)> run) {
    std::jthread thread(std::move(run));
    pthread_setname_np(thread.native_handle(), name.substr(0, 15).c_str());
    return thread;
}

}  // namespace espalier::base
