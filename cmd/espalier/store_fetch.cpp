#include "store_fetch.h"

#include <memory>
#include <string>
#include <utility>

#include "base/text.h"

namespace espalier::command {
namespace {

using base::ErrorKind;

constexpr std::size_t kPieceBytes = std::size_t{256} * 1024;

store::FetchedHead head_of(const engine::Response& response) {
    const auto length = response.headers.get("Content-Length");
    return {.length = length ? base::parse_number(*length) : std::nullopt,
            .content_type = std::string(response.headers.value("Content-Type"))};
}

// One fetch under way: bytes go from the engine through a Pipe into the sink.
class Fetch {
public:
    Fetch(engine::Engine& engine, engine::TransferRequest request, std::size_t buffer_bytes,
          store::FetchSink& sink)
        : deadline_(request.deadline), sink_(sink) {
        pipe_ = std::make_shared<engine::Pipe>(buffer_bytes, bell_);
        request.download = pipe_;
        transfer_ = engine.start(std::move(request), bell_);
    }

    base::Result<void> run() {
        for (;;) {
            bell_->clear();
            const auto state = transfer_.state();
            auto moved = move_on(state);
            if (!moved) return moved;
            if (begun_ && pipe_->end() == engine::Pipe::End::finished) return {};
            if (state.error) return std::unexpected(*state.error);
            if (!bell_->wait(deadline_)) {
                return base::fail(ErrorKind::timeout, "the origin took too long",
                                  base::Origin::upstream);
            }
        }
    }

private:
    base::Result<void> move_on(const engine::TransferState& state) {
        if (!state.head_received) return {};
        auto done = begun_ ? base::Result<void>() : begin(state.response);
        while (done) {
            const auto piece = pipe_->read_slice(kPieceBytes);
            if (piece.empty()) break;
            done = sink_.append(piece.bytes());
        }
        return done;
    }

    base::Result<void> begin(const engine::Response& response) {
        begun_ = true;
        if (response.status == 200) return sink_.begin(head_of(response));
        return std::unexpected(
            base::Error{.kind = ErrorKind::upstream,
                        .reason = base::text("the origin answered ", response.status),
                        .origin = base::Origin::upstream,
                        .upstream_status = response.status});
    }

    const base::Deadline deadline_;
    store::FetchSink& sink_;
    bool begun_ = false;
    std::shared_ptr<base::Bell> bell_ = std::make_shared<base::Bell>();
    std::shared_ptr<engine::Pipe> pipe_;
    engine::Transfer transfer_;
};

}  // namespace

store::Fetcher make_fetcher(engine::Engine& engine, const FetchOptions& options) {
    return [&engine, options](const std::string& text, store::FetchSink& sink,
                              base::Deadline deadline) -> base::Result<void> {
        auto url = engine::Url::parse(text);
        if (!url) {
            return base::fail(ErrorKind::invalid, std::move(url).error().reason,
                              base::Origin::client);
        }
        engine::TransferRequest request;
        request.url = std::move(*url);
        request.deadline = deadline;
        request.redirects_max = options.redirects_max;
        request.public_addresses_only = options.public_addresses_only;
        return Fetch(engine, std::move(request), options.buffer_bytes, sink).run();
    };
}

}  // namespace espalier::command
