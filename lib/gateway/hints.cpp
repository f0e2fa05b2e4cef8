#include "gateway/hints.h"

#include <algorithm>

#include "base/text.h"
#include "gateway/admission.h"
#include "protocol/mime.h"

namespace espalier::gateway {
namespace {

constexpr int kRedirectsMax = 3;

// "host:port", the port always there.
std::string full_authority(const engine::Url& url) {
    return base::text(url.host(), ':', url.port());
}

bool is_named(const std::vector<std::string>& hosts, const engine::Url& url) {
    return std::ranges::any_of(hosts, [&](const std::string& host) {
        return base::equal_ignoring_case(host, url.authority()) ||
               base::equal_ignoring_case(host, full_authority(url));
    });
}

bool is_ours(const Parts& parts, const http::Request& request, const engine::Url& url) {
    if (leads_here(parts.options, request, url)) return true;
    return std::ranges::any_of(parts.network.fleet.upstreams(), [&](const auto& upstream) {
        return upstream.url.authority() == url.authority();
    });
}

}  // namespace

HintSearch::HintSearch(const Parts& parts, const http::Request& request,
                       const protocol::BlobPath& path)
    : parts_(parts),
      path_(path),
      secure_(own_url(parts.options, request).starts_with("https:")),
      size_(base::parse_number(request.parameter("sz").value_or(""))),
      deadline_(base::Deadline::after(parts.options.lookup_timeout)) {
    for (const auto* name : {"origin", "xs", "sx", "servers"})
        for (const auto& value : request.parameters(name))
            for (const auto server : base::split(value, ',')) add(base::trim(server), request);
    for (Asked& asked : asked_) ask(asked);
}

// Nothing: it is not asked; else whether the operator names it.
std::optional<bool> HintSearch::admits(const engine::Url& url) const {
    const bool named = is_named(parts_.options.hint_hosts, url);
    if (!named && parts_.options.hints != HintPolicy::anyone) return std::nullopt;
    // Mixed content.
    if (secure_ && url.scheme() == "http") return std::nullopt;
    return named;
}

void HintSearch::add(std::string_view server, const http::Request& request) {
    if (asked_.size() == kHintsMax) return;
    const bool has_scheme = server.find("://") != server.npos;
    Asked asked;
    for (const auto* scheme : {"https://", "http://"}) {
        const auto url =
            engine::Url::parse(has_scheme ? std::string(server) : base::text(scheme, server));
        if (!url || is_ours(parts_, request, *url)) continue;
        const auto named = admits(*url);
        if (!named) continue;
        asked.is_named = *named;
        asked.urls.push_back(url->with_query(""));
        if (has_scheme) break;
    }
    if (!asked.urls.empty()) asked_.push_back(std::move(asked));
}

void HintSearch::ask(Asked& asked) {
    const auto extension =
        path_.extension.empty() ? std::string() : base::text('.', path_.extension);
    engine::TransferRequest request;
    request.method = "HEAD";
    request.url = asked.urls.front().with_path(base::text('/', path_.hash.hex(), extension));
    // Somebody may listen there who never answers: the other way is left half of the time.
    request.deadline =
        asked.urls.size() > 1
            ? std::min(deadline_, base::Deadline::after(parts_.options.lookup_timeout / 2))
            : deadline_;
    // Whom the operator trusts to be anywhere is not trusted to lead anywhere.
    request.public_addresses_only = !asked.is_named;
    request.redirects_max = asked.is_named ? 0 : kRedirectsMax;
    asked.transfer = parts_.network.engine.start(std::move(request), bell_);
}

void HintSearch::read(Asked& asked) {
    if (asked.over || !asked.transfer.decided()) return;
    const auto state = asked.transfer.state();
    auto answer = fanout::read_head(state, 0);
    const bool fits = !size_ || !answer.size || *size_ == *answer.size;
    if (answer.presence == fanout::Presence::there && answer.fit_for_browsers && fits) {
        const auto extension =
            path_.extension.empty() ? protocol::extension_of(answer.type) : path_.extension;
        asked.hit =
            HintHit{asked.urls.front().with_path(base::text('/', path_.hash.hex(), '.', extension)),
                    std::move(answer)};
    } else if (state.error && asked.urls.size() > 1) {
        asked.urls.erase(asked.urls.begin());
        return ask(asked);
    }
    asked.over = true;
}

std::optional<HintHit> HintSearch::so_far() {
    for (Asked& asked : asked_) read(asked);
    const auto hit =
        std::ranges::find_if(asked_, [](const Asked& one) { return one.hit.has_value(); });
    return hit == asked_.end() ? std::nullopt : hit->hit;
}

std::optional<HintHit> HintSearch::wait() {
    for (;;) {
        bell_->clear();
        auto hit = so_far();
        if (hit || std::ranges::all_of(asked_, &Asked::over)) return hit;
        bell_->wait(base::Deadline::never());  // every exchange ends at its deadline
    }
}

}  // namespace espalier::gateway
