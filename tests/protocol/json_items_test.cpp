// A long array in pieces, beside nlohmann's parser, which needs it whole.
#include "protocol/json_items.h"

#include <random>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace espalier;
using protocol::JsonItems;

namespace {

struct Read {
    std::vector<std::string> items;
    bool is_array = true;
    bool complete = false;
};

Read read(std::string_view json, std::size_t step, std::size_t item_bytes_max = 1000) {
    JsonItems items(item_bytes_max);
    Read result;
    while (!json.empty() && result.is_array) {
        result.is_array = items.push(
            json.substr(0, step), [&](std::string_view item) { result.items.emplace_back(item); });
        json.remove_prefix(std::min(step, json.size()));
    }
    result.complete = items.complete();
    return result;
}

std::string random_text(std::mt19937& dice) {
    constexpr std::string_view kLetters = "ab\"\\[]{},: \n\té";
    std::string text;
    for (auto left = dice() % 12; left > 0; --left) text += kLetters[dice() % 13];
    return text;
}

nlohmann::json random_value(std::mt19937& dice, int depth) {
    switch (dice() % (depth > 0 ? 6 : 4)) {
        case 0:
            return dice() % 1000;
        case 1:
            return random_text(dice);
        case 2:
            return nullptr;
        case 3:
            return dice() % 2 == 0;
        case 4: {
            auto array = nlohmann::json::array();
            for (auto left = dice() % 4; left > 0; --left)
                array.push_back(random_value(dice, depth - 1));
            return array;
        }
        default: {
            auto object = nlohmann::json::object();
            for (auto left = dice() % 4; left > 0; --left)
                object[random_text(dice)] = random_value(dice, depth - 1);
            return object;
        }
    }
}

}  // namespace

TEST_CASE("items of an array are found wherever the bytes are cut") {
    std::mt19937 dice(7);
    for (int round = 0; round < 300; ++round) {
        auto array = nlohmann::json::array();
        for (auto left = dice() % 6; left > 0; --left) array.push_back(random_value(dice, 3));
        const auto text = array.dump(dice() % 2 == 0 ? -1 : 2);
        CAPTURE(text);
        const auto result = read(text, 1 + dice() % 9);
        CHECK(result.is_array);
        CHECK(result.complete);
        REQUIRE(result.items.size() == array.size());
        for (std::size_t i = 0; i < array.size(); ++i)
            CHECK(nlohmann::json::parse(result.items[i], nullptr, false) == array[i]);
    }
}

TEST_CASE("an array that does not end is read as far as it goes, and is not complete") {
    const auto result = read(R"([{"a":1},{"b":[2,{"c":3}]},{"d)", 4);
    CHECK(result.is_array);
    CHECK_FALSE(result.complete);
    CHECK(result.items == std::vector<std::string>{R"({"a":1})", R"({"b":[2,{"c":3}]})"});
}

TEST_CASE("what is no array is refused at its first byte, and so is more behind an array") {
    for (const char* text : {"{}", "\"[]\"", "null", "<html>", "[] []", "[1],"}) {
        CAPTURE(text);
        CHECK_FALSE(read(text, 3).is_array);
    }
    CHECK(read(" [ ] \n", 1).complete);
    CHECK_FALSE(read("", 1).complete);
}

TEST_CASE("an item above the limit is passed over, the others are not") {
    JsonItems items(10);
    std::vector<std::string> found;
    const auto keep = [&](std::string_view item) { found.emplace_back(item); };
    CHECK(items.push("[1,\"" + std::string(100'000, 'x') + "\",", keep));
    CHECK(items.push("\"12345678\",\"123456789\",2]", keep));
    CHECK(found == std::vector<std::string>{"1", "\"12345678\"", "2"});
    CHECK(items.passed_over() == 2);
    CHECK(items.complete());
}
