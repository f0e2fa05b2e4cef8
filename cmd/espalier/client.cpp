#include "client.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <memory>
#include <span>
#include <utility>

#include "base/clock.h"
#include "base/text.h"
#include "protocol/mime.h"
#include "protocol/token.h"

namespace espalier::command {
namespace {

using base::Deadline;
using base::ErrorKind;

constexpr std::size_t kPieceBytes = std::size_t{64} * 1024;
constexpr std::size_t kPipeBytes = std::size_t{1024} * 1024;
constexpr std::size_t kAnswerBytesMax = std::size_t{1024} * 1024;
constexpr base::Seconds kTokenLifetime{3600};
// A gateway answers when enough servers have; the slowest of them may take a while.
constexpr base::Milliseconds kStallTimeout{300'000};
// How often a progress bar is redrawn when nothing rings.
constexpr base::Milliseconds kRedraw{250};

std::unexpected<base::Error> unreadable(const std::string& path) {
    return base::fail(ErrorKind::invalid, base::text("cannot read ", path));
}

using Meanwhile = std::function<base::Result<void>(const engine::TransferState&)>;

// Waits for the whole answer; `meanwhile` runs after every ring.
base::Result<engine::Response> await(const engine::Transfer& transfer, base::Bell& bell,
                                     const Meanwhile& meanwhile) {
    for (;;) {
        bell.clear();
        auto state = transfer.state();
        if (state.error) return std::unexpected(std::move(*state.error));
        if (meanwhile) {
            if (const auto going = meanwhile(state); !going) return std::unexpected(going.error());
        }
        if (state.response_complete || state.over) return std::move(state.response);
        bell.wait(Deadline::after(kRedraw));
    }
}

// The file's end of the upload's Pipe.
class Feeder {
public:
    Feeder(std::ifstream& file, const Upload& upload, engine::Pipe& pipe)
        : file_(file), upload_(upload), left_(upload.file.size), pipe_(pipe) {}

    // Fills the Pipe. Error: the file is shorter than it was.
    base::Result<void> feed() {
        while (left_ > 0 && pipe_.room() > 0) {
            const auto wanted = std::min<std::uint64_t>({left_, pipe_.room(), buffer_.size()});
            file_.read(buffer_.data(), static_cast<std::streamsize>(wanted));
            const auto got = static_cast<std::size_t>(file_.gcount());
            if (got == 0) return fall_short();
            pipe_.write(std::as_bytes(std::span(buffer_).first(got)));
            left_ -= got;
            if (left_ == 0) pipe_.finish();
        }
        return {};
    }

private:
    base::Result<void> fall_short() {
        pipe_.fail();
        return base::fail(ErrorKind::invalid, upload_.path + " has changed while it was sent");
    }

    std::ifstream& file_;
    const Upload& upload_;
    std::uint64_t left_;  // bytes not yet in the Pipe
    engine::Pipe& pipe_;
    std::array<char, kPieceBytes> buffer_{};
};

engine::TransferRequest request_for(const protocol::SecretKey& key, const Upload& upload) {
    const auto now = base::SystemClock().unix_now();
    engine::TransferRequest request;
    request.method = "PUT";
    request.url = upload.server.with_path("/upload");
    // No server tag: the token must also be good at the servers behind a gateway.
    request.headers.add("Authorization",
                        mint_token(key, protocol::Verb::upload, {upload.file.hash}, {}, now,
                                   now + kTokenLifetime.count(), "Upload with espalier"));
    request.headers.add("X-SHA-256", upload.file.hash.hex());
    // A type that the name does not show is left to the server's own eyes.
    const auto extension = std::filesystem::path(upload.path).extension().string();
    const auto type = protocol::mime_of(extension.empty() ? extension : extension.substr(1));
    if (type != protocol::kUnknownMime) request.headers.add("Content-Type", type);
    request.upload_bytes = upload.file.size;
    request.body_bytes_max = kAnswerBytesMax;
    request.deadline = Deadline::after(kTokenLifetime);
    request.stall_timeout = kStallTimeout;
    return request;
}

}  // namespace

base::Result<HashedFile> hash_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    base::Sha256 hash;
    std::array<char, kPieceBytes> buffer{};
    std::uint64_t size = 0;
    while (file.read(buffer.data(), buffer.size()) || file.gcount() > 0) {
        const auto got = static_cast<std::size_t>(file.gcount());
        hash.update(std::as_bytes(std::span(buffer).first(got)));
        size += got;
    }
    // Whoever reached the end has met it; a folder or a missing file has not.
    if (!file.eof()) return unreadable(path);
    return HashedFile{.hash = protocol::BlobHash(hash.finish()), .size = size};
}

base::Result<engine::Response> ask(engine::Engine& engine, engine::TransferRequest request) {
    auto bell = std::make_shared<base::Bell>();
    const auto transfer = engine.start(std::move(request), bell);
    return await(transfer, *bell, nullptr);
}

base::Result<engine::Response> put_file(engine::Engine& engine, const protocol::SecretKey& key,
                                        const Upload& upload, const OnProgress& on_progress) {
    std::ifstream file(upload.path, std::ios::binary);
    if (!file) return unreadable(upload.path);
    auto bell = std::make_shared<base::Bell>();
    auto pipe = std::make_shared<engine::Pipe>(kPipeBytes, bell);
    auto request = request_for(key, upload);
    if (upload.file.size > 0)
        request.upload = pipe;
    else
        request.upload_bytes.reset();
    const auto transfer = engine.start(std::move(request), bell);
    Feeder feeder(file, upload, *pipe);
    return await(transfer, *bell, [&](const engine::TransferState& state) {
        on_progress(state.bytes_sent);
        return feeder.feed();
    });
}

}  // namespace espalier::command
