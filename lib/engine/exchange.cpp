#include "engine/exchange.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"
#include "engine/easy.h"
#include "engine/inbox.h"

namespace espalier::engine {

using base::Error;
using base::ErrorKind;
using base::Origin;

namespace {

Error given_up(std::string reason) {
    return {.kind = ErrorKind::cancelled, .reason = std::move(reason)};
}

// Credentials are for whom they were given to, and nobody else (RFC 9110 section 15.4).
constexpr std::array kForOneHost = {"Authorization", "Cookie", "Proxy-Authorization"};

}  // namespace

Exchange::Exchange(TransferRequest request, std::shared_ptr<base::Bell> bell,
                   std::shared_ptr<Inbox> inbox)
    : request_(std::move(request)),
      bell_(std::move(bell)),
      inbox_(std::move(inbox)),
      upstream_(request_.url.authority()) {}

Exchange::~Exchange() = default;

TransferState Exchange::state() const {
    auto state = shared_.with([](const TransferState& shared) { return shared; });
    state.bytes_sent = sent_.load(std::memory_order_relaxed);
    state.bytes_received = received_.load(std::memory_order_relaxed);
    return state;
}

void Exchange::cancel() {
    if (over()) return;
    cancelled_.store(true);
    post();
}

void Exchange::pipe_moved() {
    post();
}

bool Exchange::post() {
    if (posted_.exchange(true)) return true;
    return inbox_->post(shared_from_this());
}

void Exchange::begin(Touched& touched) {
    touched_ = &touched;
    if (request_.upload) request_.upload->watch(weak_from_this());
    if (request_.download) request_.download->watch(weak_from_this());
}

std::optional<Error> Exchange::reason_to_cut() const {
    if (cancelled_.load()) return given_up("nobody waits for the answer any more");
    if (has_upload() && request_.upload->end() == Pipe::End::failed)
        return given_up("the upload was given up");
    if (request_.download && request_.download->end() == Pipe::End::abandoned)
        return given_up("nobody reads the answer any more");
    return std::nullopt;
}

bool Exchange::body_unsent() const {
    return has_upload() && sent_.load(std::memory_order_relaxed) < *request_.upload_bytes;
}

bool Exchange::wants_end() {
    if (over() || !has_upload()) return false;
    // curl waits for a paused upload even after a refusal, although it will not send it.
    if (complete_) return body_unsent() && head_.status() >= 300;
    // Whom we hold back curl does not read from now and then.
    if (!performing_ || receiving_ || pauses_.receive || desk.speed.limited()) return false;
    // curl reads no more while there is still something to send: either the answer is whole, or
    // the upstream has left.
    if (!head_.done() || expected_) return true;
    mark_complete();
    return body_unsent() && head_.status() >= 300;
}

std::optional<Error> Exchange::verdict(std::optional<Error> raw) {
    if (complete_) return std::nullopt;
    if (failure_) return failure_;
    // A refusal counts when its head is in, although the connection broke under the rest: we
    // were still sending, and the upstream had stopped to listen.
    const bool refused_early = head_.done() && head_.status() >= 400 && body_unsent();
    const bool answered =
        head_.done() && (!raw || (refused_early && raw->kind == ErrorKind::reset));
    if (answered) {
        mark_complete();
        return std::nullopt;
    }
    if (raw) return raw;
    return Error{.kind = ErrorKind::upstream,
                 .reason = base::text(upstream_, " did not answer in HTTP"),
                 .origin = Origin::upstream};
}

base::Milliseconds Exchange::elapsed() const {
    return std::chrono::duration_cast<base::Milliseconds>(base::Steady::now() - started_);
}

void Exchange::mark_complete() {
    complete_ = true;
    shared_.with([&](TransferState& state) {
        state.response_complete = true;
        state.response.body = std::move(body_);
        state.elapsed = elapsed();
    });
    decided_.store(true, std::memory_order_release);
    if (request_.download) request_.download->engine_close(Pipe::End::finished);
    touch();
}

void Exchange::finish(std::optional<Error> error) {
    if (over()) return;
    if (error && head_.done()) error->upstream_status = head_.status();
    shared_.with([&](TransferState& state) {
        state.over = true;
        state.error = std::move(error);
        if (complete_) return;
        state.response.body = std::move(body_);
        state.elapsed = elapsed();
    });
    decided_.store(true, std::memory_order_release);
    over_.store(true, std::memory_order_release);
    if (request_.download && !complete_) request_.download->engine_close(Pipe::End::failed);
    if (body_unsent()) request_.upload->engine_close(Pipe::End::abandoned);
    touch();
}

void Exchange::touch() {
    if (is_touched_ || touched_ == nullptr) return;
    is_touched_ = true;
    touched_->push_back(shared_from_this());
}

void Exchange::ring() {
    is_touched_ = false;
    if (bell_) bell_->ring();
    if (std::exchange(tell_writer_, false) && request_.upload->outer())
        request_.upload->outer()->ring();
    if (std::exchange(tell_reader_, false) && request_.download->outer())
        request_.download->outer()->ring();
}

std::string Exchange::name_to_resolve() const {
    const auto& to = request_.connect_to;
    return to.empty() ? std::string(url().host()) : to.substr(0, to.rfind(':'));
}

bool Exchange::is_redirect() const {
    constexpr std::array kRedirects = {301, 302, 303, 307, 308};
    return request_.redirects_max > 0 && (request_.method == "GET" || answers_head()) &&
           std::ranges::find(kRedirects, head_.status()) != kRedirects.end() &&
           head_.headers().has("Location");
}

base::Result<void> Exchange::follow() {
    auto target = url().resolve(head_.headers().value("Location"));
    if (!target) {
        target.error().kind = ErrorKind::upstream;
        target.error().origin = Origin::upstream;
        return std::unexpected(std::move(target).error());
    }
    if (target->origin() != url().origin()) {
        for (const auto* name : kForOneHost) request_.headers.remove(name);
        request_.connect_to.clear();
        request_.verify_tls = true;  // that was about the old host
        // Nobody out there is to send us into our own network; a host of that network may.
        if (from_public_ && !request_.public_addresses_only) {
            request_.public_addresses_only = true;
            guard_fault_ = ErrorKind::upstream;
        }
    }
    request_.url = std::move(*target);
    head_ = {};
    expected_.reset();
    discarded_ = 0;
    requests_begun_ = 0;
    redirecting_ = performing_ = false;
    ++hops_;
    return {};
}

}  // namespace espalier::engine
