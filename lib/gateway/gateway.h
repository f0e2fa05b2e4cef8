// The Gateway answers Blossom clients in the name of many upstreams: it knows the routes and
// gives each request to the handler of its endpoint.
//
// Threads: instant() on reactors, handle() on workers.
#pragma once

#include <atomic>

#include "gateway/get_blob.h"
#include "gateway/parts.h"
#include "gateway/put_upload.h"
#include "http/server.h"
#include "metrics/condition.h"

namespace espalier::gateway {

class Gateway : public http::Handlers {
public:
    // `parts` outlives the gateway, those given later too. `seed`: any random number.
    Gateway(const Parts& parts, std::uint64_t seed);

    bool instant(const http::Head& head, std::string_view peer, http::InstantReply& reply) override;
    http::Lane lane(const http::Head& head) const override;
    http::Reply handle(http::Request& request) override;
    std::uint64_t body_bytes_max(const http::Head& head) const override;
    void answered(const http::Answered& answer) override;

    // Requests that begin from now on are handled with these.
    void use(const Parts& parts) { parts_ = &parts; }
    // From now on /ready says 503.
    void drain() { draining_ = true; }
    // All that is known; reads the ledger.
    metrics::Condition condition() const;

private:
    http::Reply handle_upload(http::Request& request, Purpose purpose);
    http::Reply handle_blob(http::Request& request);
    http::Reply handle_page(const http::Request& request, Route route);
    http::Reply ready() const;
    // The reply of `handle(Account&)`, and what is said of it on the dashboard.
    template <class Handle>
    http::Reply accounted(std::string_view what, const http::Request& request,
                          Handle&& handle) const;
    // What /health and /ready go by, and no more: the ledger is not read for it.
    metrics::Condition health() const;
    metrics::Replication replication() const;
    metrics::Reads reads() const;

    const Parts& parts() const { return *parts_.load(std::memory_order_acquire); }

    std::atomic<const Parts*> parts_;
    const base::Steady::time_point started_;
    Turns turns_;
    std::atomic<bool> draining_{false};
};

}  // namespace espalier::gateway
