// The few file operations that the store needs, with errors that name the file.
//
// Threads: any.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/fd.h"

namespace espalier::store {

// An Error of kind `storage` from errno: "cannot <what> <path>: <why>".
base::Error file_error(std::string_view what, const std::string& path);

// An existing folder is fine.
base::Result<void> make_folder(const std::string& path);
// Makes the folder's entries durable: what was renamed into it or removed from it.
base::Result<void> sync_folder(const std::string& path);
// Removes every file in the folder, but no folders.
base::Result<void> clear_folder(const std::string& path);
// Error: unavailable when another process holds it. Given back by closing, or by dying.
base::Result<base::Fd> lock_file(const std::string& path);
base::Result<void> write_all(int fd, std::span<const std::byte> bytes, const std::string& path);

}  // namespace espalier::store
