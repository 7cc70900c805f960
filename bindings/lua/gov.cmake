if(GOV_BINDINGS AND GOV_SHARED_LIB)
    add_subdirectory(bindings/lua lua)
endif()
