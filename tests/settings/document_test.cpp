#include "settings/document.h"

#include <doctest/doctest.h>

using namespace espalier::settings;

TEST_CASE("a document keeps kinds, texts and lines") {
    const auto root = parse_document("a: 1\nb:\n  - x\n  - y: \"\"\nc:\nd: {e: f}\n");
    REQUIRE(root);
    CHECK(root->kind == Node::Kind::map);
    REQUIRE(root->children.size() == 4);
    const auto& a = root->children[0];
    CHECK(a.key == "a");
    CHECK(a.text == "1");
    CHECK(a.line == 1);
    const auto& b = root->children[1];
    CHECK(b.kind == Node::Kind::list);
    CHECK(b.line == 2);
    REQUIRE(b.children.size() == 2);
    CHECK(b.children[0].text == "x");
    CHECK(b.children[0].line == 3);
    CHECK(b.children[1].children[0].kind == Node::Kind::scalar);
    CHECK(root->children[2].kind == Node::Kind::null);
    CHECK(root->children[3].children[0].text == "f");
}

TEST_CASE("an empty document is nothing") {
    for (const auto* text : {"", "\n", "# only a comment\n", "---\n"}) {
        CAPTURE(text);
        const auto root = parse_document(text);
        REQUIRE(root);
        CHECK(root->kind == Node::Kind::null);
    }
}

TEST_CASE("a key given twice is kept twice") {
    const auto root = parse_document("a: 1\na: 2\n");
    REQUIRE(root);
    CHECK(root->children.size() == 2);
    CHECK(root->children[1].line == 2);
}

TEST_CASE("broken YAML is told with its line") {
    const auto root = parse_document("a: 1\nb: [1, 2\nc: 3\n");
    REQUIRE(!root);
    CHECK(root.error().line >= 2);
    CHECK(root.error().what.starts_with("not valid YAML: "));
}

TEST_CASE("a second document is refused") {
    const auto root = parse_document("a: 1\n---\nb: 2\n");
    REQUIRE(!root);
    CHECK(root.error().line == 3);
}

TEST_CASE("a key that is a list is refused") {
    const auto root = parse_document("a: 1\n? [b, c]\n: 2\n");
    REQUIRE(!root);
    CHECK(root.error().line == 2);
}

TEST_CASE("deep nesting is refused") {
    const auto root = parse_document(std::string(40, '[') + std::string(40, ']'));
    REQUIRE(!root);
    CHECK(root.error().what == "nested too deeply");
}

TEST_CASE("aliases that multiply are refused before they fill the memory") {
    std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
    for (int i = 1; i <= 9; ++i) {
        const auto before = "*a" + std::to_string(i - 1);
        text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
        for (int n = 1; n < 10; ++n) text += ", " + before;
        text += "]\n";
    }
    const auto root = parse_document(text);
    REQUIRE(!root);
    CHECK(root.error().what == "too many values");
}

TEST_CASE("a huge file is refused") {
    CHECK(!parse_document(std::string(kDocumentBytesMax + 1, '#')));
}
