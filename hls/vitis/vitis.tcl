# C simulation and synthesis of the slice in Vitis HLS:
#     vitis_hls -f vitis.tcl          (exit code 1 if a bit differs)
#     vitis_hls -f vitis.tcl cosim    also RTL against C
set here [file dirname [file normalize [info script]]]
open_project -reset $here/vitis
set_top @TOP@
foreach file {slice.cpp} { add_files $here/$file }
add_files -tb $here/tb.cpp
open_solution -reset solution1
set_part xc7z020clg400-1
create_clock -period 10
csim_design -argv $here/samples.bin
csynth_design
if {[lsearch $argv cosim] >= 0} { cosim_design -argv $here/samples.bin }
export_design -format ip_catalog
exit
