#include "store/files.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

namespace espalier::store {

base::Error file_error(std::string_view what, const std::string& path) {
    const auto why = std::generic_category().message(errno);
    return {.kind = base::ErrorKind::storage,
            .reason = base::text("cannot ", what, " ", path, ": ", why)};
}

base::Result<void> make_folder(const std::string& path) {
    if (::mkdir(path.c_str(), 0755) == 0 || errno == EEXIST) return {};
    return std::unexpected(file_error("make the folder", path));
}

base::Result<void> sync_folder(const std::string& path) {
    const base::Fd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder || ::fsync(folder.get()) != 0) {
        return std::unexpected(file_error("sync the folder", path));
    }
    return {};
}

base::Result<void> clear_folder(const std::string& path) {
    std::error_code fault;
    for (const auto& entry : std::filesystem::directory_iterator(path, fault)) {
        std::error_code ignored;
        if (entry.is_regular_file(ignored)) ::unlink(entry.path().c_str());
    }
    if (!fault) return {};
    return base::fail(base::ErrorKind::storage,
                      base::text("cannot read the folder ", path, ": ", fault.message()));
}

base::Result<base::Fd> lock_file(const std::string& path) {
    base::Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
    if (!file) return std::unexpected(file_error("open", path));
    if (::flock(file.get(), LOCK_EX | LOCK_NB) == 0) return file;
    if (errno != EWOULDBLOCK) return std::unexpected(file_error("lock", path));
    return base::fail(base::ErrorKind::unavailable,
                      base::text(path, " is held: another process serves this folder"));
}

base::Result<void> write_all(int fd, std::span<const std::byte> bytes, const std::string& path) {
    while (!bytes.empty()) {
        const auto written = ::write(fd, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return std::unexpected(file_error("write", path));
        bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    return {};
}

}  // namespace espalier::store
