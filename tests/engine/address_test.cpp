#include "engine/address.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>

using namespace espalier;
using engine::is_public;

TEST_CASE("addresses on the public internet are public") {
    for (const std::string address :
         {"1.1.1.1",          "9.255.255.255", "11.0.0.0",    "93.184.216.34",  "100.63.255.255",
          "100.128.0.0",      "128.0.0.1",     "169.253.0.1", "172.15.0.1",     "172.32.0.1",
          "192.167.0.1",      "192.169.0.1",   "198.17.0.1",  "198.20.0.1",     "223.255.255.255",
          "2606:4700::1111",  "2a00::1",       "2001:200::1", "::ffff:1.1.1.1", "64:ff9b::101:101",
          "2002:0101:0101::1"})
        CHECK_MESSAGE(is_public(address), address);
}

TEST_CASE("addresses of anything nearer or stranger are not") {
    for (const std::string address : {"0.0.0.0",
                                      "0.1.2.3",
                                      "10.0.0.1",
                                      "10.255.255.255",
                                      "100.64.0.1",
                                      "100.127.255.255",
                                      "127.0.0.1",
                                      "127.255.255.255",
                                      "169.254.169.254",
                                      "172.16.0.1",
                                      "172.31.255.255",
                                      "192.0.0.1",
                                      "192.0.2.1",
                                      "192.88.99.1",
                                      "192.168.0.1",
                                      "198.18.0.1",
                                      "198.19.255.255",
                                      "198.51.100.1",
                                      "203.0.113.1",
                                      "224.0.0.1",
                                      "239.1.1.1",
                                      "240.0.0.1",
                                      "255.255.255.255",
                                      "::",
                                      "::1",
                                      "::7f00:1",
                                      "::ffff:127.0.0.1",
                                      "::ffff:10.0.0.1",
                                      "64:ff9b::7f00:1",
                                      "64:ff9b:1::1",
                                      "100::1",
                                      "2001::1",
                                      "2001:1ff::1",
                                      "2001:db8::1",
                                      "2002:7f00:1::",
                                      "2002:c0a8:1::1",
                                      "3fff::1",
                                      "4000::1",
                                      "fc00::1",
                                      "fdff::1",
                                      "fe80::1",
                                      "fec0::1",
                                      "ff02::1",
                                      "",
                                      "localhost",
                                      "1.1.1",
                                      "1.1.1.1 ",
                                      "[::1]"})
        CHECK_MESSAGE(!is_public(address), address);
}

TEST_CASE("a socket's address is judged like its text") {
    sockaddr_storage storage{};
    auto* address = reinterpret_cast<sockaddr*>(&storage);
    auto* v4 = reinterpret_cast<sockaddr_in*>(&storage);
    v4->sin_family = AF_INET;
    ::inet_pton(AF_INET, "1.1.1.1", &v4->sin_addr);
    CHECK(is_public(*address));
    ::inet_pton(AF_INET, "10.1.1.1", &v4->sin_addr);
    CHECK_FALSE(is_public(*address));

    storage = {};
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage);
    v6->sin6_family = AF_INET6;
    ::inet_pton(AF_INET6, "2606:4700::1111", &v6->sin6_addr);
    CHECK(is_public(*address));
    ::inet_pton(AF_INET6, "::1", &v6->sin6_addr);
    CHECK_FALSE(is_public(*address));

    storage = {};
    storage.ss_family = AF_UNIX;
    CHECK_FALSE(is_public(*address));
}
