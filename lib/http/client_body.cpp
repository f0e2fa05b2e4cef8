#include "http/client_body.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace espalier::http {

ClientBody::ClientBody(Wire& wire, Buffer& early, const Head& head, std::uint64_t bytes_max)
    : wire_(wire),
      early_(early),
      chunked_(head.chunked),
      expects_continue_(head.expects_continue && head.has_body()),
      bytes_max_(bytes_max),
      declared_(head.content_length.value_or(0)),
      left_(declared_) {}

std::optional<std::uint64_t> ClientBody::declared_bytes() const {
    if (chunked_) return std::nullopt;
    return declared_;
}

Body::Read ClientBody::read(std::span<std::byte> into, base::Bell* bell, base::Deadline deadline) {
    if (broken_) return {.status = Status::broken};
    if (into.empty() || !say_continue()) return {.status = Status::broken};
    // char may alias any bytes.
    const std::span<char> chars(reinterpret_cast<char*>(into.data()), into.size());
    const auto got =
        chunked_ ? read_chunked(chars, bell, deadline) : read_sized(chars, bell, deadline);
    broken_ = got.status == Status::broken;
    return got;
}

Body::Read ClientBody::read_sized(std::span<char> into, base::Bell* bell, base::Deadline deadline) {
    if (left_ == 0) return {.status = Status::end};
    const auto got = take(into.first(std::min<std::uint64_t>(left_, into.size())), bell, deadline);
    left_ -= got.count;
    return got;
}

Body::Read ClientBody::read_chunked(std::span<char> into, base::Bell* bell,
                                    base::Deadline deadline) {
    while (chunks_.data_left() == 0) {
        if (early_.empty() && !chunks_.ended()) {
            const auto got = refill(bell, deadline);
            if (got.status != Status::bytes) return got;
        }
        early_.consume(chunks_.eat(early_.view()));
        if (chunks_.broken()) return {.status = Status::broken};
        if (chunks_.ended()) return {.status = Status::end};
    }
    if (chunks_.data_left() > bytes_max_ - total_) return {.status = Status::too_large};
    const auto most = std::min<std::uint64_t>(chunks_.data_left(), into.size());
    const auto got = take(into.first(most), bell, deadline);
    chunks_.took(got.count);
    total_ += got.count;
    return got;
}

Body::Read ClientBody::take(std::span<char> into, base::Bell* bell, base::Deadline deadline) {
    if (early_.empty()) return wire_.receive(into, bell, deadline);
    const auto count = std::min(into.size(), early_.size());
    std::memcpy(into.data(), early_.view().data(), count);
    early_.consume(count);
    return {.status = Status::bytes, .count = count};
}

// Framing comes through the buffer; small, so that most data still goes straight.
Body::Read ClientBody::refill(base::Bell* bell, base::Deadline deadline) {
    std::array<char, 4096> piece;  // NOLINT(*-member-init): filled by receive()
    const auto got = wire_.receive(piece, bell, deadline);
    if (got.status == Status::bytes) early_.assign({piece.data(), got.count});
    return got;
}

bool ClientBody::say_continue() {
    if (!expects_continue_ || continued_) return true;
    continued_ = true;
    return !early_.empty() || wire_.send("HTTP/1.1 100 Continue\r\n\r\n");
}

bool ClientBody::swallow(std::uint64_t bytes_max) {
    if (broken_ || held_back()) return false;
    std::array<char, 16'384> piece;  // NOLINT(*-member-init): thrown away
    const auto now = base::Deadline::at(base::Steady::time_point::min());
    for (std::uint64_t swallowed = 0; swallowed <= bytes_max;) {
        const auto got =
            chunked_ ? read_chunked(piece, nullptr, now) : read_sized(piece, nullptr, now);
        if (got.status == Status::end) return true;
        if (got.status != Status::bytes) return false;
        swallowed += got.count;
    }
    return false;
}

}  // namespace espalier::http
