#include "healthcheck.h"

#include <cstdlib>
#include <iostream>

#include "base/text.h"
#include "client.h"

namespace espalier::command {
namespace {

constexpr base::Seconds kPatience{4};

int complain(const std::string& what) {
    std::cerr << "espalier healthcheck: " << what << '\n';
    return EXIT_FAILURE;
}

}  // namespace

int run_healthcheck(const HealthcheckOptions& options) {
    const auto url = engine::Url::parse(options.url);
    if (!url) return complain(url.error().reason);
    engine::TransferRequest request;
    request.url = url->with_path("/health");
    request.deadline = base::Deadline::after(kPatience);
    engine::Engine engine(engine::Engine::Options{});
    const auto answer = ask(engine, std::move(request));
    if (!answer) return complain(answer.error().reason);
    if (answer->status == 200) return EXIT_SUCCESS;
    return complain(
        base::text("answered ", answer->status, ": ", answer->headers.value("X-Reason")));
}

}  // namespace espalier::command
