// How an Exchange takes what curl reports: heads, bodies, addresses.
#include <algorithm>
#include <cstring>
#include <utility>

#include <sys/socket.h>

#include "base/text.h"
#include "engine/address.h"
#include "engine/exchange.h"

namespace espalier::engine {

using base::Error;
using base::ErrorKind;
using base::Origin;

namespace {

constexpr std::size_t kRedirectBodyMax = 64 * 1024;

Origin origin_of(ErrorKind kind) {
    if (kind == ErrorKind::cancelled || kind == ErrorKind::internal) return Origin::internal;
    // Only who names an upstream that we do not know can name one of our own network.
    return kind == ErrorKind::forbidden ? Origin::client : Origin::upstream;
}

}  // namespace

Exchange::Step Exchange::give_up(ErrorKind kind, std::string reason) {
    if (!failure_)
        failure_ = Error{.kind = kind, .reason = std::move(reason), .origin = origin_of(kind)};
    return Step::stop;
}

std::string Exchange::not_public() const {
    return base::text(upstream_, hops_ == 0 ? " is not" : " redirects to what is not",
                      " on the public internet");
}

bool Exchange::allows_connect(const sockaddr& address) {
    performing_ = false;
    if (!request_.public_addresses_only || is_public(address)) return true;
    give_up(guard_fault_, not_public());
    return false;
}

void Exchange::no_descriptor_left() {
    give_up(ErrorKind::internal, "too many files and connections are open here");
}

bool Exchange::allows_request(const std::string& address) {
    from_public_ = is_public(address);
    if (request_.public_addresses_only && !from_public_) {
        give_up(guard_fault_, not_public());
        return false;
    }
    failure_.reset();  // of another address
    // curl begins again by itself when a reused connection turns out dead. That is welcome, unless
    // the first attempt may count, or has used up bytes that cannot be had again.
    const bool once_only = request_.method == "POST" || request_.method == "PATCH" ||
                           (request_.method == "PUT" && !has_upload()) ||
                           (has_upload() && sent_.load(std::memory_order_relaxed) > 0);
    if (++requests_begun_ > 1 && once_only) {
        give_up(ErrorKind::reset,
                base::text(upstream_, " closed the connection without an answer"));
        return false;
    }
    began_ = performing_ = true;
    return true;
}

void Exchange::receiving(bool on) {
    receiving_ = on;
    if (!on && has_upload()) touch();
}

bool Exchange::take_head_line(std::string_view line) {
    switch (head_.feed(line, request_.head_bytes_max)) {
        case ResponseHead::Progress::more:
            return true;
        case ResponseHead::Progress::done:
            return head_done();
        case ResponseHead::Progress::too_long:
            give_up(ErrorKind::upstream, base::text(upstream_, " answered with too long a head"));
            return false;
        case ResponseHead::Progress::bad:
            break;
    }
    give_up(ErrorKind::upstream, base::text(upstream_, " answered with a malformed head"));
    return false;
}

bool Exchange::head_done() {
    if (is_redirect()) {
        redirecting_ = hops_ < request_.redirects_max;
        if (!redirecting_)
            give_up(ErrorKind::upstream,
                    base::text("redirected more than ", request_.redirects_max, " times"));
        return redirecting_;
    }
    shared_.with([&](TransferState& state) {
        state.head_received = true;
        state.response.status = head_.status();
        state.response.headers = head_.headers();
    });
    touch();
    expected_ = head_.body_bytes(answers_head());
    if (!request_.download && expected_.value_or(0) > request_.body_bytes_max) {
        give_up(ErrorKind::upstream, base::text(upstream_, " answered with too long a body"));
        return false;
    }
    if (expected_ == 0U) mark_complete();
    return true;
}

Exchange::Step Exchange::take_body(std::span<const std::byte> bytes) {
    if (redirecting_) {
        discarded_ += bytes.size();
        return discarded_ > kRedirectBodyMax ? Step::stop : Step::go_on;
    }
    const auto step = request_.download ? pass_on(bytes) : keep(bytes);
    if (step == Step::go_on && !complete_ && expected_ == bytes_received()) mark_complete();
    return step;
}

Exchange::Step Exchange::keep(std::span<const std::byte> bytes) {
    if (bytes.size() > request_.body_bytes_max - body_.size())
        return give_up(ErrorKind::upstream,
                       base::text(upstream_, " answered with too long a body"));
    if (!bytes.empty()) {
        const auto before = body_.size();
        body_.resize(before + bytes.size());
        std::memcpy(body_.data() + before, bytes.data(), bytes.size());
    }
    received_.fetch_add(bytes.size(), std::memory_order_relaxed);
    return Step::go_on;
}

Exchange::Step Exchange::pass_on(std::span<const std::byte> bytes) {
    // After a pause curl gives the same piece again, possibly grown, from its beginning.
    const auto fresh = bytes.subspan(already_taken_);
    const auto moved = request_.download->engine_write(fresh);
    received_.fetch_add(moved.bytes, std::memory_order_relaxed);
    if (moved.tell) {
        tell_reader_ = true;
        touch();
    }
    if (moved.end == Pipe::End::abandoned)
        return give_up(ErrorKind::cancelled, "nobody reads the answer any more");
    if (moved.bytes == fresh.size()) {
        already_taken_ = 0;
        return Step::go_on;
    }
    already_taken_ += moved.bytes;
    pauses_.receive = true;
    return Step::pause;
}

Exchange::Given Exchange::give_body(std::span<std::byte> out) {
    const auto left = *request_.upload_bytes - sent_.load(std::memory_order_relaxed);
    if (left == 0) return {};
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(left, out.size()));
    const auto moved = request_.upload->engine_read(out.first(wanted));
    if (moved.end == Pipe::End::failed || moved.bytes == 0) return nothing_to_give(moved.end);
    sent_.fetch_add(moved.bytes, std::memory_order_relaxed);
    if (moved.tell) {
        tell_writer_ = true;
        touch();
    }
    return {.bytes = moved.bytes, .step = Step::go_on};
}

Exchange::Given Exchange::nothing_to_give(Pipe::End end) {
    switch (end) {
        case Pipe::End::open:
            pauses_.send = true;
            return {.bytes = 0, .step = Step::pause};
        case Pipe::End::finished:
            return {.bytes = 0,
                    .step = give_up(ErrorKind::cancelled, "the upload ended before its length")};
        default:
            return {.bytes = 0, .step = give_up(ErrorKind::cancelled, "the upload was given up")};
    }
}

void Exchange::salvage(std::string_view bytes) {
    while (!head_.done()) {
        const auto end = bytes.find('\n');
        if (end == std::string_view::npos || !take_head_line(bytes.substr(0, end + 1))) return;
        bytes.remove_prefix(end + 1);
    }
    if (complete_ || redirecting_) return;
    const auto length =
        expected_ ? std::min<std::uint64_t>(*expected_, bytes.size()) : bytes.size();
    take_body(std::as_bytes(std::span(bytes.substr(0, static_cast<std::size_t>(length)))));
}

bool Exchange::lift_pauses() {
    const auto before = pauses_;
    if (pauses_.send && (request_.upload->size() > 0 || request_.upload->end() != Pipe::End::open))
        pauses_.send = false;
    if (pauses_.receive && request_.download->room() > 0) pauses_.receive = false;
    return before.send != pauses_.send || before.receive != pauses_.receive;
}

}  // namespace espalier::engine
