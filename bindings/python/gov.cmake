if(GOV_BINDINGS AND GOV_SHARED_LIB)
    find_package(Python3 REQUIRED COMPONENTS Interpreter)
    set(gov_python "${PROJECT_BINARY_DIR}/python/gov")
    file(GLOB gov_python_parts CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/bindings/*.[ih]"
        "${PROJECT_SOURCE_DIR}/bindings/python/*.[ihp]*" "${PROJECT_SOURCE_DIR}/bindings/python/gov/*.py*")
    add_custom_command(OUTPUT "${gov_python}/stamp"
        COMMAND "${CMAKE_COMMAND}" -E copy_directory "${PROJECT_SOURCE_DIR}/bindings/python/gov" "${gov_python}"
        COMMAND "${CMAKE_COMMAND}" -E env "GOV_LIBRARY=${PROJECT_BINARY_DIR}" "CC=${CMAKE_C_COMPILER}"
            "${Python3_EXECUTABLE}" -B "${PROJECT_SOURCE_DIR}/bindings/python/gov_build.py" "${gov_python}"
        COMMAND "${CMAKE_COMMAND}" -E touch "${gov_python}/stamp"
        DEPENDS gov ${gov_python_parts} VERBATIM COMMENT "Building the Python package")
    add_custom_target(gov_python ALL DEPENDS "${gov_python}/stamp")
endif()
