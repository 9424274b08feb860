# Offers zpatterns::shared and zpatterns::static. Paths are relative to this file, so the installed folder can be moved.
get_filename_component(_zpatterns_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)

include(CMakeFindDependencyMacro)
find_dependency(Threads)

if(NOT TARGET zpatterns::shared)
  add_library(zpatterns::shared SHARED IMPORTED)
  set_target_properties(zpatterns::shared PROPERTIES
    IMPORTED_LOCATION "${_zpatterns_prefix}/lib/libzpatterns.so"
    IMPORTED_SONAME "libzpatterns.so.${zpatterns_VERSION_MAJOR}.${zpatterns_VERSION_MINOR}"
    INTERFACE_INCLUDE_DIRECTORIES "${_zpatterns_prefix}/include")
endif()

if(NOT TARGET zpatterns::static)
  add_library(zpatterns::static STATIC IMPORTED)
  set_target_properties(zpatterns::static PROPERTIES
    IMPORTED_LOCATION "${_zpatterns_prefix}/lib/libzpatterns.a"
    INTERFACE_INCLUDE_DIRECTORIES "${_zpatterns_prefix}/include"
    INTERFACE_LINK_LIBRARIES "stdc++;m;Threads::Threads;${CMAKE_DL_LIBS}")
endif()

unset(_zpatterns_prefix)
