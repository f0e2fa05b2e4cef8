#include "base/error.h"

namespace espalier::base {

std::string_view name_of(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::invalid:
            return "invalid";
        case ErrorKind::unauthorized:
            return "unauthorized";
        case ErrorKind::payment:
            return "payment";
        case ErrorKind::forbidden:
            return "forbidden";
        case ErrorKind::missing:
            return "missing";
        case ErrorKind::slow_client:
            return "slow_client";
        case ErrorKind::conflict:
            return "conflict";
        case ErrorKind::gone:
            return "gone";
        case ErrorKind::length_required:
            return "length_required";
        case ErrorKind::too_large:
            return "too_large";
        case ErrorKind::unsupported:
            return "unsupported";
        case ErrorKind::bad_range:
            return "bad_range";
        case ErrorKind::throttled:
            return "throttled";
        case ErrorKind::head_too_large:
            return "head_too_large";
        case ErrorKind::internal:
            return "internal";
        case ErrorKind::not_implemented:
            return "not_implemented";
        case ErrorKind::upstream:
            return "upstream";
        case ErrorKind::unavailable:
            return "unavailable";
        case ErrorKind::timeout:
            return "timeout";
        case ErrorKind::refused:
            return "refused";
        case ErrorKind::tls:
            return "tls";
        case ErrorKind::reset:
            return "reset";
        case ErrorKind::storage:
            return "storage";
        case ErrorKind::cancelled:
            return "cancelled";
        case ErrorKind::shutting_down:
            return "shutting_down";
    }
    return "internal";
}

}  // namespace espalier::base
