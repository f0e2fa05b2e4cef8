// GET /info: what a client must know of this gateway, for people and programs: the server tags
// that make a token good everywhere, limits, and what is offered. Ours; no BUD has it.
//
// Hosts that clients see anyway; never an alternative address.
#pragma once

#include <string>

#include "gateway/parts.h"
#include "http/request.h"

namespace espalier::gateway {

// {"name", "version", "url",
//  "server_tags": [hosts: a token that carries any server tag needs all of these],
//  "upstreams": [{"host", "mode", "takes_uploads"}],
//  "limits": {"max_upload_size" (bytes), "min_upload_servers", "chunked_uploads": bool},
//  "auth": {"writes": "required"|"forward", "allowlist": bool, "server_tags": "own" …},
//  "endpoints": ["PUT /upload" …]}
std::string info_json(const Parts& parts, const http::Request& request);

}  // namespace espalier::gateway
