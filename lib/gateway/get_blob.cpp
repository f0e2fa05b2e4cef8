#include "gateway/get_blob.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "gateway/blob_reply.h"
#include "gateway/results.h"
#include "protocol/mime.h"

namespace espalier::gateway {
namespace {

using base::Steady;
using protocol::BlobHash;
using protocol::BlobPath;

constexpr std::string_view kNoStore = "private, no-store";

// What must be answered with more thought than a reactor has time for.
bool needs_worker(const http::Head& head) {
    return !head.query.empty() || head.has_body() || head.header("Authorization") ||
           head.header("If-None-Match") || head.header("If-Range");
}

std::string_view type_or_default(std::string_view type) {
    return type.empty() ? protocol::kUnknownMime : type;
}

// Nobody may keep it.
http::Reply failed_read(const fleet::Fleet& fleet, int status, std::string_view reason,
                        std::span<const fleet::Outcome> outcomes) {
    auto reply = http::Reply::json(status, error_body(fleet, reason, outcomes));
    reply.reason(reason).header("X-Cache", "DISABLED").header("Cache-Control", kNoStore);
    return reply;
}

// Whether a browser that asks like this could not use what the upstream sends.
bool is_unfit(const Parts& parts, fleet::UpstreamId upstream, bool secure) {
    if (!parts.options.proxy_when_needed) return false;
    const auto& fleet = parts.network.fleet;
    if (!fleet.fit_for_browsers(upstream)) return true;
    // Mixed content.
    return (secure || parts.options.base_url.starts_with("https:")) &&
           fleet.at(upstream).url.scheme() == "http";
}

// Whether that line may be believed is for the worker to say.
bool may_be_secure(const http::Head& head) {
    return head.header("X-Forwarded-Proto").has_value();
}

}  // namespace

bool may_proxy(const Parts& parts, const http::Head& head) {
    if (parts.options.proxies) return true;
    return std::ranges::any_of(parts.network.fleet.upstreams(), [&](const auto& upstream) {
        return upstream.serves_readers() && is_unfit(parts, upstream.id, may_be_secure(head));
    });
}

std::span<const fleet::Candidate> GetBlob::rank_all(fleet::UpstreamSet servers,
                                                    const BlobHash& hash, const Asker& asker,
                                                    Candidates& room) {
    const auto given = turns_.recently_given.get(asker.peer, hash, Steady::now());
    std::size_t count = 0;
    for (auto rest = servers.bits(); rest != 0; rest &= rest - 1) {
        const auto id = static_cast<fleet::UpstreamId>(__builtin_ctzll(rest));
        room[count] = parts_.network.fleet.candidate(id);
        room[count].just_given = given == id;
        ++count;
    }
    const auto turn = turns_.next.fetch_add(asker.takes_a_turn ? 1 : 0, std::memory_order_relaxed);
    const auto candidates = std::span(room).first(count);
    fleet::rank(candidates, parts_.options.download_strategy, turn);
    return candidates;
}

std::optional<GetBlob::Choice> GetBlob::choose(fleet::UpstreamSet servers, const BlobHash& hash,
                                               const Asker& asker) {
    if (servers.empty()) return std::nullopt;
    Candidates room;
    const auto& best = rank_all(servers, hash, asker, room).front();
    return Choice{.upstream = best.id, .good = best.healthy && !best.suspect};
}

void GetBlob::take(const Choice& choice, const BlobHash& hash, std::string_view peer) {
    turns_.recently_given.put(peer, hash, choice.upstream, Steady::now());
    parts_.network.fleet.count_redirect(choice.upstream);
}

void GetBlob::verify_if_old(const BlobHash& hash, const fleet::BlobEntry& entry) {
    const auto now = Steady::now();
    if (now - entry.verified < parts_.options.map_verify_after) return;
    if (parts_.network.map.claim_check(hash, now, parts_.options.map_verify_after))
        parts_.confirmer.again(hash, entry.servers);
}

std::string GetBlob::location(fleet::UpstreamId upstream, const BlobPath& path,
                              std::string_view type) const {
    std::string url = parts_.network.fleet.link_base(upstream);
    path.hash.append_hex(url);
    if (!path.extension.empty())
        url.append(".").append(path.extension);
    else if (!type.empty())
        url.append(".").append(protocol::extension_of(type));
    return url;
}

bool GetBlob::instant(const http::Head& head, std::string_view peer, http::InstantReply& reply) {
    if (needs_worker(head)) return false;
    const auto path = protocol::parse_blob_path(head.path);
    if (!path) return false;
    const auto entry = parts_.network.map.find(path->hash, Steady::now());
    if (!entry) return false;
    const bool is_head = head.method == "HEAD";
    if (!is_head && parts_.options.proxies) return false;
    const auto choice =
        choose(entry->servers, path->hash, {.peer = peer, .takes_a_turn = !is_head});
    if (!choice || !choice->good) return false;
    if (is_head &&
        (!entry->facts.size || entry->facts.last_modified != 0 || entry->facts.sunset != 0))
        return false;
    if (!is_head && is_unfit(parts_, choice->upstream, may_be_secure(head))) return false;
    parts_.counters.count_map(true);
    verify_if_old(path->hash, *entry);
    if (is_head) {
        reply.begin(200);
        reply.header("Content-Type", type_or_default(entry->facts.type));
        reply.header("Accept-Ranges", "bytes");
        reply.header("ETag", etag_of(path->hash));
        reply.header("Cache-Control", kForEver);
        reply.header("X-Upstream", parts_.network.fleet.host(choice->upstream));
        reply.header("X-Cache", "DISABLED");
        reply.end_head(*entry->facts.size);
        return true;
    }
    take(*choice, path->hash, peer);
    reply.begin(parts_.options.redirect_status);
    reply.header("Location", location(choice->upstream, *path, entry->facts.type));
    reply.header("Cache-Control", kNoStore);
    reply.header("X-Upstream", parts_.network.fleet.host(choice->upstream));
    reply.header("X-Cache", "DISABLED");
    reply.end("");
    return true;
}

http::Reply GetBlob::handle(const http::Request& request) {
    const auto path = protocol::parse_blob_path(request.head.path);
    if (!path && path.error() == protocol::PathError::bad_hash)
        return http::Reply::of({.kind = base::ErrorKind::invalid,
                                .reason = "a blob's hash is written in lower-case hexadecimal"});
    if (!path)
        return http::Reply::of(
            {.kind = base::ErrorKind::missing, .reason = "there is nothing at this path"});
    const Asker asker{.peer = request.peer, .takes_a_turn = request.head.method != "HEAD"};
    if (const auto entry = parts_.network.map.find(path->hash, Steady::now())) {
        const auto choice = choose(entry->servers, path->hash, asker);
        if (choice && choice->good) {
            parts_.counters.count_map(true);
            verify_if_old(path->hash, *entry);
            return answer(request, *path, *choice, {entry->servers, entry->facts});
        }
    }
    parts_.counters.count_map(false);
    std::optional<HintSearch> hints;
    if (parts_.options.hints != HintPolicy::off && !request.head.query.empty())
        hints.emplace(parts_, request, *path);
    const auto located = parts_.locator.find(path->hash);
    if (hints) {
        const bool is_ours = located.found == fanout::Found::somewhere;
        if (const auto hit = is_ours ? hints->so_far() : hints->wait())
            return answer_hint(request, *path, *hit);
    }
    switch (located.found) {
        case fanout::Found::somewhere:
            return answer(request, *path, *choose(located.servers, path->hash, asker),
                          {located.servers, located.facts.facts_of(path->hash)});
        case fanout::Found::nowhere:
            return not_found(located);
        default:
            return uncertain(located, request.head.method == "HEAD");
    }
}

http::Reply GetBlob::answer_hint(const http::Request& request, const BlobPath& path,
                                 const HintHit& hit) const {
    const bool is_head = request.head.method == "HEAD";
    auto reply =
        is_head ? head_reply(path, hit.answer.facts_of(path.hash)) : redirect(hit.url.text());
    reply.header("X-Upstream", hit.url.authority());
    return reply;
}

http::Reply GetBlob::answer(const http::Request& request, const BlobPath& path,
                            const Choice& choice, const Known& known) {
    if (request.head.method == "HEAD") return answer_head(path, choice, known.facts);
    if (parts_.options.proxies || is_unfit(parts_, choice.upstream, request.secure))
        return proxied(request, path.hash, choice, known);
    take(choice, path.hash, request.peer);
    auto reply = redirect(location(choice.upstream, path, known.facts.type));
    reply.header("X-Upstream", parts_.network.fleet.host(choice.upstream));
    return reply;
}

http::Reply GetBlob::redirect(std::string_view location) const {
    http::Reply reply(parts_.options.redirect_status);
    reply.header("Location", location).header("Cache-Control", kNoStore);
    reply.header("X-Cache", "DISABLED");
    return reply;
}

http::Reply GetBlob::answer_head(const BlobPath& path, const Choice& choice,
                                 const fleet::BlobFacts& facts) const {
    auto reply = head_reply(path, facts);
    reply.header("X-Upstream", parts_.network.fleet.host(choice.upstream));
    return reply;
}

http::Reply GetBlob::head_reply(const BlobPath& path, const fleet::BlobFacts& facts) {
    auto reply = blob_reply(200, path.hash, facts);
    reply.header("Content-Type", type_or_default(facts.type));
    // Some servers do not say how long it is; then neither do we.
    facts.size ? reply.length(*facts.size) : reply.stream({}, type_or_default(facts.type));
    return reply;
}

http::Reply GetBlob::proxied(const http::Request& request, const BlobHash& hash,
                             const Choice& choice, const Known& known) {
    std::vector<fleet::UpstreamId> origins{choice.upstream};
    const auto append = [&](std::uint64_t servers) {
        Candidates room;
        const Asker asker{.peer = request.peer, .takes_a_turn = false};
        for (const auto& other : rank_all(fleet::UpstreamSet(servers), hash, asker, room))
            if (other.id != choice.upstream) origins.push_back(other.id);
    };
    // What is known may be old, or not all: the others are asked when those that have it fail.
    append(known.servers.bits());
    append(parts_.network.fleet.readable().bits() & ~known.servers.bits());
    auto reply = ProxyBlob(parts_).reply(request, hash, std::move(origins), known.facts);
    if (!reply) return not_fetched(reply.error());
    return std::move(*reply);
}

http::Reply GetBlob::not_fetched(const ProxyBlob::Failure& failure) const {
    const auto& [error, outcomes] = failure;
    if (error.kind == base::ErrorKind::missing)
        return not_found({.found = fanout::Found::nowhere, .outcomes = outcomes});
    return not_now(http::status_of(error.kind), error.reason, outcomes);
}

http::Reply GetBlob::not_now(int status, std::string_view reason,
                             std::span<const fleet::Outcome> outcomes) const {
    const auto& fleet = parts_.network.fleet;
    auto reply = failed_read(fleet, status, reason, outcomes);
    reply.header("Retry-After", "1");
    reply.header("X-Upstream-Results", upstream_results(fleet, outcomes));
    return reply;
}

http::Reply GetBlob::not_found(const fanout::Located& located) const {
    constexpr std::string_view kReason = "no server has this blob";
    return failed_read(parts_.network.fleet, 404, kReason, located.outcomes);
}

// Somebody who might have it did not answer: that is not a "no" (sheet A.18). But clients ask with
// a HEAD whether they need to upload, and take all but a 404 for "it is there": one upload too many
// is better than none.
http::Reply GetBlob::uncertain(const fanout::Located& located, bool is_head) const {
    if (parts_.options.uncertain_is_404) return not_found(located);
    std::string silent;
    for (const auto& outcome : located.outcomes)
        if (located.silent.has(outcome.upstream))
            silent +=
                base::text(silent.empty() ? "" : ", ", parts_.network.fleet.host(outcome.upstream));
    const auto reason =
        silent.empty() ? std::string("the servers did not answer in time")
                       : base::text("not all servers could say: no clear answer from ", silent);
    const int status = is_head ? 404 : located.only_timeouts ? 504 : 502;
    return not_now(status, reason, located.outcomes);
}

}  // namespace espalier::gateway
