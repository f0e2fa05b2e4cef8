#include "gateway/gateway.h"

#include <unistd.h>

#include "base/text.h"
#include "gateway/access_log.h"
#include "gateway/account.h"
#include "gateway/admin.h"
#include "gateway/delete_blob.h"
#include "gateway/get_list.h"
#include "gateway/head_upload.h"
#include "gateway/info.h"
#include "gateway/pages.h"
#include "gateway/put_mirror.h"
#include "gateway/put_report.h"
#include "gateway/where.h"
#include "http/envelope.h"
#include "metrics/health.h"

namespace espalier::gateway {
namespace {

using base::ErrorKind;

http::Reply wrong_method(Route route) {
    http::Reply reply(405);
    reply.header("Allow", methods_of(route));
    reply.reason(base::text("this path knows ", methods_of(route)));
    return reply;
}

bool is_of_the_dashboard(Route route) {
    return route == Route::home || route == Route::assets || route == Route::docs ||
           route == Route::events;
}

// What watches over the gateway is never refused, and CORS neither.
bool is_bounded(const http::Head& head, Route route) {
    return head.method != "OPTIONS" && route != Route::health && route != Route::live &&
           route != Route::ready && route != Route::metrics && !is_of_the_dashboard(route);
}

bool is_upload(const http::Head& head, Route route) {
    return head.method == "PUT" && (route == Route::upload || route == Route::media);
}

bool is_read(const http::Head& head) {
    return head.method == "GET" || head.method == "HEAD";
}

}  // namespace

Gateway::Gateway(const Parts& parts, std::uint64_t seed)
    : parts_(&parts), started_(base::Steady::now()), turns_(seed) {}

bool Gateway::instant(const http::Head& head, std::string_view peer, http::InstantReply& reply) {
    const auto route = route_of(head.path);
    if (parts().rates.bounds_addresses() && is_bounded(head, route)) return false;
    if (route == Route::blob && is_read(head))
        return GetBlob(parts(), turns_).instant(head, peer, reply);
    if (head.method == "OPTIONS" && !head.has_body()) {
        http::preflight(reply);
        return true;
    }
    if (route == Route::live && is_read(head) && !head.has_body()) {
        reply.begin(200);
        reply.header("Content-Type", "application/json");
        reply.end("{\"live\":true}\n", head.method == "HEAD");
        return true;
    }
    return false;
}

http::Lane Gateway::lane(const http::Head& head) const {
    switch (route_of(head.path)) {
        case Route::health:
        case Route::live:
        case Route::ready:
        case Route::metrics:
            return http::Lane::reserved;
        case Route::upload:
        case Route::media:
        case Route::mirror:
            return head.method == "PUT" ? http::Lane::bulk : http::Lane::ordinary;
        case Route::blob:
            return head.method == "GET" && may_proxy(parts(), head) ? http::Lane::bulk
                                                                    : http::Lane::ordinary;
        default:
            return http::Lane::ordinary;
    }
}

std::uint64_t Gateway::body_bytes_max(const http::Head& head) const {
    return is_upload(head, route_of(head.path)) ? parts().options.upload_bytes_max : 64ULL * 1024;
}

void Gateway::answered(const http::Answered& answer) {
    parts().counters.count_request(answer.head.method, route_of(answer.head.path), answer.status);
    if (!answer.at_once || parts().options.logs_instant) log_access(parts().log, answer);
}

http::Reply Gateway::handle(http::Request& request) {
    const auto route = route_of(request.head.path);
    if (request.head.method == "OPTIONS") return http::preflight();
    if (is_bounded(request.head, route)) {
        const auto bytes =
            is_upload(request.head, route) ? request.head.content_length.value_or(0) : 0;
        const auto wait = parts().rates.take(request.peer, bytes, base::Steady::now());
        if (wait) return too_much(parts(), "address", *wait);
    }
    if (route == Route::unknown)
        return http::Reply::of(
            {.kind = ErrorKind::missing, .reason = "there is nothing at this path"});
    if (!knows_method(route, request.head.method)) return wrong_method(route);
    switch (route) {
        case Route::upload:
            return handle_upload(request, Purpose::upload);
        case Route::media:
            return handle_upload(request, Purpose::media);
        case Route::blob:
            return handle_blob(request);
        case Route::mirror:
            return accounted("mirror", request, [&](Account& account) {
                return PutMirror(parts(), account).handle(request);
            });
        case Route::list:
            return accounted("list", request,
                             [&](Account& account) { return get_list(parts(), request, account); });
        case Route::report:
            return accounted("report", request, [&](Account& account) {
                return put_report(parts(), request, account);
            });
        default:
            return handle_page(request, route);
    }
}

template <class Handle>
http::Reply Gateway::accounted(std::string_view what, const http::Request& request,
                               Handle&& handle) const {
    Account account(parts(), what, request);
    auto reply = handle(account);
    account.close(reply);
    return reply;
}

http::Reply Gateway::handle_upload(http::Request& request, Purpose purpose) {
    if (request.head.method == "HEAD") return head_upload(parts(), request, purpose);
    return accounted(name_of(verb_of(purpose)), request, [&](Account& account) {
        return PutUpload(parts(), purpose, account).handle(request);
    });
}

http::Reply Gateway::handle_blob(http::Request& request) {
    if (is_read(request.head)) return GetBlob(parts(), turns_).handle(request);
    return accounted("delete", request,
                     [&](Account& account) { return delete_blob(parts(), request, account); });
}

metrics::Replication Gateway::replication() const {
    auto& ledger = parts().ledger;
    const auto map = parts().network.map.snapshot();
    metrics::Replication now{.copies = map.copies,
                             .map_entries = map.entries,
                             .missing = ledger.missing_count(),
                             .tombstones = ledger.tombstone_count(),
                             .repairs = parts().repairer.snapshot()};
    if (now.missing == 0) return now;
    if (const auto oldest = ledger.missing(1); !oldest.empty())
        now.oldest_missing = oldest.front().since;
    return now;
}

metrics::Reads Gateway::reads() const {
    auto reads = parts().counters.reads();
    const auto lookups = parts().locator.snapshot();
    reads.negative_hits = lookups.negative_hits;
    reads.coalesced = lookups.shared;
    return reads;
}

metrics::Condition Gateway::health() const {
    const auto& options = parts().options;
    return {.upstreams = parts().network.fleet.snapshot(),
            .min_upload_servers = options.min_upload_servers,
            .vitals = metrics::read_vitals(),
            .memory_bytes_max = options.memory_bytes_max,
            .threads_max = options.threads_max,
            .draining = draining_,
            .disk_writable = ::access(options.spool_folder.c_str(), W_OK) == 0,
            .version = options.version};
}

metrics::Condition Gateway::condition() const {
    const auto up = std::chrono::duration_cast<base::Seconds>(base::Steady::now() - started_);
    auto now = health();
    now.now = parts().network.clock.unix_now();
    now.uptime_seconds = up.count();
    now.mode = parts().options.proxies ? "proxy" : "redirect";
    now.requests = parts().counters.requests();
    now.replication = replication();
    now.reads = reads();
    now.refusals = parts().counters.refusals();
    now.rate_limited = parts().counters.rate_limited();
    return now;
}

http::Reply Gateway::ready() const {
    const auto now = health();
    const bool yes = now.healthy() && !now.draining && now.disk_writable;
    auto reply =
        http::Reply::json(yes ? 200 : 503, yes ? "{\"ready\":true}\n" : "{\"ready\":false}\n");
    if (now.draining)
        reply.reason("shutting down");
    else if (!now.disk_writable)
        reply.reason("the spool folder cannot be written");
    else if (!yes)
        reply.reason("not healthy: see /health");
    return reply;
}

http::Reply Gateway::handle_page(const http::Request& request, Route route) {
    switch (route) {
        case Route::health: {
            const auto now = health();
            auto reply = http::Reply::json(now.healthy() ? 200 : 503, health_json(now));
            if (!now.healthy())
                reply.reason("too few healthy servers, or over a memory or thread limit");
            return reply;
        }
        case Route::ready:
            return ready();
        case Route::live:
            return http::Reply::json(200, "{\"live\":true}\n");
        case Route::info:
            return http::Reply::json(200, info_json(parts(), request));
        case Route::stats:
            return http::Reply::json(200, parts().feed.whole(2) + "\n");
        case Route::events:
            if (request.head.method == "HEAD")
                return http::Reply(200).body({}, "text/event-stream");
            return events(parts().feed.open());
        case Route::where:
            return where(parts(), request);
        case Route::admin:
            return admin(parts(), request);
        case Route::metrics:
            return http::Reply(200).body(parts().metrics.text(),
                                         "text/plain; version=0.0.4; charset=utf-8");
        default:
            return page(request.head.path);
    }
}

}  // namespace espalier::gateway
