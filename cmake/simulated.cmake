# The rank that partita simulate starts: the same sources against SimGrid's MPI,
# if Debian's libsimgrid-dev is there (./setup --simulate). What smpicc does,
# done here: its mpi.h first, clocks and sleeps replaced by simulated ones. Not
# its malloc, whose wrapper is for programs larger than memory.
find_path(SIMGRID_INCLUDE smpi/smpi.h)
find_library(SIMGRID_LIBRARY simgrid)
find_program(SMPIRUN smpirun)
if(SIMGRID_INCLUDE AND SIMGRID_LIBRARY AND SMPIRUN)
  file(GLOB simulated_sources CONFIGURE_DEPENDS framework/runtime/*.c
       framework/simulate/*.c)
  foreach(name feed load modelled options output packing score timeline)
    list(APPEND simulated_sources framework/cli/${name}.c)
  endforeach()
  add_library(partita-simulated MODULE ${simulated_sources})
  set_target_properties(partita-simulated PROPERTIES PREFIX ""
    C_VISIBILITY_PRESET default)
  target_include_directories(partita-simulated PRIVATE
    ${SIMGRID_INCLUDE}/smpi ${PROJECT_SOURCE_DIR}/framework
    ${PROJECT_SOURCE_DIR}/framework/include ${PROJECT_SOURCE_DIR})
  target_compile_options(partita-simulated PRIVATE
    -include ${SIMGRID_INCLUDE}/smpi/smpi_helpers.h)
  target_compile_definitions(partita-simulated PRIVATE SMPI_NO_OVERRIDE_MALLOC
    PTA_VERSION="${PROJECT_VERSION}" PTA_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
    PTA_DATADIR="${CMAKE_INSTALL_FULL_DATADIR}/partita")
  target_link_libraries(partita-simulated PRIVATE ${SIMGRID_LIBRARY}
    pta_model pta_quant pta_partition pta_datasets pta_kernels m)
  install(TARGETS partita-simulated
          DESTINATION ${CMAKE_INSTALL_LIBDIR}/partita)
endif()
