// The Parts are everything the handlers of the gateway work with, wired by main.
//
// Threads: references to objects that are safe for any and outlive the gateway.
#pragma once

#include "base/budget.h"
#include "base/clock.h"
#include "base/log.h"
#include "dashboard/feed.h"
#include "dashboard/operations.h"
#include "dashboard/uploaders.h"
#include "fanout/confirm.h"
#include "fanout/live_writes.h"
#include "fanout/locate.h"
#include "fanout/mover.h"
#include "fanout/network.h"
#include "fanout/remainders.h"
#include "fanout/repairer.h"
#include "fanout/service_key.h"
#include "fanout/upload.h"
#include "gateway/counters.h"
#include "gateway/options.h"
#include "gateway/payments.h"
#include "gateway/rates.h"
#include "ledger/ledger.h"
#include "metrics/exposition.h"
#include "protocol/authorizer.h"

namespace espalier::gateway {

struct Parts {
    const Options& options;
    fanout::Network network;
    fanout::Mover& mover;
    fanout::Locator& locator;
    fanout::Confirmer& confirmer;
    fanout::Remainders& remainders;
    fanout::Repairer& repairer;
    const fanout::ServiceKey& service_key;
    const fanout::Upload::Resources& upload_resources;
    fanout::LiveWrites& live_writes;
    const protocol::Authorizer& authorizer;
    ledger::Ledger& ledger;
    dashboard::Operations& operations;
    dashboard::Uploaders& uploaders;
    dashboard::Feed& feed;
    metrics::Metrics& metrics;
    Counters& counters;
    Payments& payments;
    Rates& rates;
    base::Log& log;
};

}  // namespace espalier::gateway
