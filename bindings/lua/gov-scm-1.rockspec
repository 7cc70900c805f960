rockspec_format = "3.0"
package = "gov"
version = "scm-1"
source = {
  -- `luarocks make` builds what lies here
  url = "file://.",
}
description = {
  summary = "libgov: community governance as a library",
  detailed = [[Communities, cases, deadlines, ledgers and a journal that can be proved, on SQLite or PostgreSQL, with the
rules in YAML. Needs libgov itself, SWIG and CMake to build.]],
  license = "Apache-2.0",
}
dependencies = {
  "lua >= 5.4, < 5.5",
}
build = {
  type = "cmake",
  variables = {
    CMAKE_BUILD_TYPE = "Release",
    CMAKE_INSTALL_PREFIX = "$(PREFIX)",
    LIBDIR = "$(LIBDIR)",
    LUADIR = "$(LUADIR)",
    LUA_INCDIR = "$(LUA_INCDIR)",
  },
}
