# The bindings in the tree, for trying them out: -DGOV_BINDINGS=ON builds
#   build/…/python/gov   (PYTHONPATH=build/…/python)
#   build/…/lua/gov      (LUA_PATH='build/…/lua/?/init.lua;;' LUA_CPATH='build/…/lua/?.so;;')
# People install them with pip and luarocks instead: docs/python.md, docs/lua.md.
option(GOV_BINDINGS "build the Python and Lua bindings in the tree" OFF)
