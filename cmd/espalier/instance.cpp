#include "instance.h"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "base/text.h"

namespace espalier::command {
namespace {

using base::ErrorKind;

std::string path_for(const std::string& ledger) {
    return ledger + ".lock";
}

struct flock whole_file() {
    struct flock lock{};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    return lock;
}

std::optional<pid_t> holder_of(int file) {
    auto lock = whole_file();
    if (::fcntl(file, F_GETLK, &lock) != 0 || lock.l_type == F_UNLCK) return std::nullopt;
    return lock.l_pid;
}

}  // namespace

base::Result<Instance> Instance::claim(const std::string& ledger) {
    const auto path = path_for(ledger);
    std::error_code failed;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path(), failed);
    base::Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (file.get() < 0) return base::fail(ErrorKind::storage, base::text("cannot write to ", path));
    const auto lock = whole_file();
    if (::fcntl(file.get(), F_SETLK, &lock) != 0) {
        const auto other = holder_of(file.get());
        return base::fail(ErrorKind::conflict,
                          base::text("ledger_path: ", ledger, " is in use by another gateway",
                                     other ? base::text(" (process ", *other, ')') : ""));
    }
    return Instance(std::move(file));
}

std::optional<pid_t> Instance::holder(const std::string& ledger) {
    const base::Fd file(::open(path_for(ledger).c_str(), O_RDWR | O_CLOEXEC));
    return file.get() < 0 ? std::nullopt : holder_of(file.get());
}

std::string Instance::last_word(const std::string& ledger) {
    std::ostringstream text;
    text << std::ifstream(path_for(ledger)).rdbuf();
    return text.str();
}

void Instance::say(const std::string& line) {
    const auto text = base::text(++said_, ' ', ::getpid(), ' ', line, '\n');
    // In one write behind the truncation, so that a reader sees nothing or all of it.
    if (::ftruncate(file_.get(), 0) != 0) return;
    [[maybe_unused]] const auto written = ::pwrite(file_.get(), text.data(), text.size(), 0);
}

}  // namespace espalier::command
