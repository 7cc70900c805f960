# The tests' part of the build; see tests/README.md.

find_package(Threads QUIET)
set(gov_tests_out "${PROJECT_BINARY_DIR}/tests")

# The internals as a plain archive: each test links the rooms it touches and no more.
add_library(gov_internal STATIC EXCLUDE_FROM_ALL $<TARGET_OBJECTS:govobj>)
set_target_properties(gov_internal PROPERTIES LINKER_LANGUAGE C
    ARCHIVE_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/internal")
target_include_directories(gov_internal PUBLIC
    "${PROJECT_SOURCE_DIR}/libgov" "${PROJECT_SOURCE_DIR}/include")
target_compile_definitions(gov_internal PUBLIC $<$<BOOL:${GOV_HAVE_PQ}>:GOV_HAVE_PQ=1>)
target_link_libraries(gov_internal PUBLIC ${gov_link_deps} PRIVATE gov_flags)

pkg_check_modules(GOV_CMOCKA QUIET IMPORTED_TARGET cmocka)
if(GOV_TESTS AND NOT GOV_CMOCKA_FOUND)
    message(STATUS "cmocka not found: the unit tests are left out")
endif()

if(GOV_TESTS AND GOV_CMOCKA_FOUND)
    file(GLOB gov_support CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/support/*.c")
    file(GLOB gov_unit_tests CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/unit/test_*.c")

    add_library(gov_test_flags INTERFACE)
    target_include_directories(gov_test_flags INTERFACE "${PROJECT_SOURCE_DIR}/tests")
    target_compile_definitions(gov_test_flags INTERFACE
        GOV_TEST_SOURCE_DIR="${PROJECT_SOURCE_DIR}" GOV_TEST_BINARY_DIR="${PROJECT_BINARY_DIR}")
    target_link_libraries(gov_test_flags INTERFACE
        gov_flags gov_internal PkgConfig::GOV_CMOCKA Threads::Threads ${CMAKE_DL_LIBS})

    # Objects, not an archive: oom_malloc.c must replace malloc in every test.
    if(gov_support)
        add_library(gov_support OBJECT ${gov_support})
        target_link_libraries(gov_support PRIVATE gov_test_flags)
    endif()

    foreach(source IN LISTS gov_unit_tests)
        get_filename_component(name "${source}" NAME_WE)
        add_executable(${name} "${source}"
            $<$<TARGET_EXISTS:gov_support>:$<TARGET_OBJECTS:gov_support>>)
        set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${gov_tests_out}")
        target_link_libraries(${name} PRIVATE gov_test_flags)
        add_test(NAME ${name} COMMAND ${name})
        set_tests_properties(${name} PROPERTIES TIMEOUT 900 LABELS unit)
    endforeach()
endif()

if(GOV_BENCH)
    file(GLOB gov_benches CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/bench/bench_*.c")
    file(GLOB gov_bench_parts CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/bench/common/*.c")
    foreach(source IN LISTS gov_benches)
        get_filename_component(name "${source}" NAME_WE)
        add_executable(${name} "${source}" ${gov_bench_parts})
        set_target_properties(${name} PROPERTIES
            RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bench")
        target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}/tests")
        target_compile_definitions(${name} PRIVATE GOV_TEST_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
        target_link_libraries(${name} PRIVATE gov_flags gov_internal Threads::Threads)
    endforeach()
    # the peer of the expressions; without it the bench says that it is missing
    pkg_search_module(gov_bench_lua QUIET IMPORTED_TARGET lua5.4 lua-5.4 lua54 lua>=5.4)
    if(gov_bench_lua_FOUND AND TARGET bench_expr)
        target_compile_definitions(bench_expr PRIVATE BENCH_LUA)
        target_link_libraries(bench_expr PRIVATE PkgConfig::gov_bench_lua)
    endif()
endif()

if(GOV_TESTS OR GOV_FUZZ)
    file(GLOB gov_fuzzers CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/fuzz/fuzz_*.c")
    file(GLOB gov_fuzz_parts CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/fuzz/common/*.c")
    foreach(source IN LISTS gov_fuzzers)
        get_filename_component(name "${source}" NAME_WE)
        string(REGEX REPLACE "^fuzz_" "" entry "${name}")
        add_executable(${name} "${source}" ${gov_fuzz_parts})
        set_target_properties(${name} PROPERTIES
            RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/fuzz")
        target_include_directories(${name} PRIVATE
            "${PROJECT_SOURCE_DIR}/tests" "${PROJECT_SOURCE_DIR}/tests/fuzz")
        target_link_libraries(${name} PRIVATE gov_flags gov_internal)
        # The engine's entry point is declared nowhere.
        set_source_files_properties("${source}" PROPERTIES COMPILE_OPTIONS -Wno-missing-prototypes)
        if(GOV_FUZZ)
            target_link_options(${name} PRIVATE -fsanitize=fuzzer)
        else()
            target_sources(${name} PRIVATE "${PROJECT_SOURCE_DIR}/tests/fuzz/driver.c")
            add_test(NAME ${name} COMMAND ${name}
                --mutate=200 "${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${entry}")
            set_tests_properties(${name} PROPERTIES TIMEOUT 300 LABELS fuzz)
        endif()
    endforeach()
endif()
