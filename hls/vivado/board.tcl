# ---- the same for every core (hls/vivado/board.tcl) ----
#
# A block design of six cells on one clock:
#
#   ps/M_AXI_GP0 -> ctrl -> dma/S_AXI_LITE, core/s_axi
#   dma/M_AXIS_MM2S -> core/s_axis,  core/m_axis -> dma/S_AXIS_S2MM
#   dma/M_AXI_MM2S, dma/M_AXI_S2MM -> mem -> ps/S_AXI_HP0
#   dma/s2mm_introut -> IRQ_F2P[0],  dma/mm2s_introut -> IRQ_F2P[1]

proc fail {message} {
    puts stderr "vivado.tcl: $message"
    exit 1
}

set here [file dirname [file normalize [info script]]]
set sources [list $here/board.v]
foreach file $rtl { lappend sources $here/$file }
set contents {}
foreach file $memories { lappend contents $here/$file }
foreach file [concat $sources $contents] {
    if {![file exists $file]} { fail "$file is missing" }
}

create_project -force $core $here/vivado -part xc7z020clg400-1
set_property target_language Verilog [current_project]
add_files -norecurse $sources
if {[llength $contents] > 0} {
    add_files -norecurse $contents
    set_property file_type {Memory File} [get_files $contents]
}
update_compile_order -fileset sources_1

# ---- cells ----

create_bd_design board

create_bd_cell -type ip -vlnv xilinx.com:ip:processing_system7:5.5 ps
set_property -dict [list \
    CONFIG.PCW_FPGA0_PERIPHERAL_FREQMHZ $clock_mhz \
    CONFIG.PCW_EN_CLK0_PORT 1 \
    CONFIG.PCW_EN_RST0_PORT 1 \
    CONFIG.PCW_USE_M_AXI_GP0 1 \
    CONFIG.PCW_USE_S_AXI_HP0 1 \
    CONFIG.PCW_S_AXI_HP0_DATA_WIDTH 64 \
    CONFIG.PCW_USE_FABRIC_INTERRUPT 1 \
    CONFIG.PCW_IRQ_F2P_INTR 1 \
] [get_bd_cells ps]
# DDR and pins of the processing system were set up by the board's boot loader.
make_bd_intf_pins_external [get_bd_intf_pins ps/DDR]
make_bd_intf_pins_external [get_bd_intf_pins ps/FIXED_IO]

create_bd_cell -type ip -vlnv xilinx.com:ip:proc_sys_reset:5.0 reset

create_bd_cell -type ip -vlnv xilinx.com:ip:axi_dma:7.1 dma
set_property -dict [list \
    CONFIG.c_include_sg 0 \
    CONFIG.c_sg_include_stscntrl_strm 0 \
    CONFIG.c_sg_length_width $length_bits \
    CONFIG.c_addr_width 32 \
    CONFIG.c_m_axi_mm2s_data_width 64 \
    CONFIG.c_m_axis_mm2s_tdata_width 64 \
    CONFIG.c_include_mm2s_dre 0 \
    CONFIG.c_mm2s_burst_size 16 \
    CONFIG.c_m_axi_s2mm_data_width 64 \
    CONFIG.c_s_axis_s2mm_tdata_width 64 \
    CONFIG.c_include_s2mm_dre 0 \
    CONFIG.c_s2mm_burst_size 16 \
] [get_bd_cells dma]

create_bd_cell -type module -reference pta_board core

create_bd_cell -type ip -vlnv xilinx.com:ip:axi_interconnect:2.1 ctrl
set_property -dict [list CONFIG.NUM_SI 1 CONFIG.NUM_MI 2] [get_bd_cells ctrl]
create_bd_cell -type ip -vlnv xilinx.com:ip:axi_interconnect:2.1 mem
set_property -dict [list CONFIG.NUM_SI 2 CONFIG.NUM_MI 1] [get_bd_cells mem]

create_bd_cell -type ip -vlnv xilinx.com:ip:xlconcat:2.1 irq
set_property -dict [list CONFIG.NUM_PORTS 2] [get_bd_cells irq]

# ---- clock and reset ----

foreach pin {
    ps/M_AXI_GP0_ACLK ps/S_AXI_HP0_ACLK reset/slowest_sync_clk
    dma/s_axi_lite_aclk dma/m_axi_mm2s_aclk dma/m_axi_s2mm_aclk core/aclk
    ctrl/ACLK ctrl/S00_ACLK ctrl/M00_ACLK ctrl/M01_ACLK
    mem/ACLK mem/S00_ACLK mem/S01_ACLK mem/M00_ACLK
} {
    connect_bd_net [get_bd_pins ps/FCLK_CLK0] [get_bd_pins $pin]
}
connect_bd_net [get_bd_pins ps/FCLK_RESET0_N] [get_bd_pins reset/ext_reset_in]
foreach pin {ctrl/ARESETN mem/ARESETN} {
    connect_bd_net [get_bd_pins reset/interconnect_aresetn] [get_bd_pins $pin]
}
foreach pin {
    dma/axi_resetn core/aresetn
    ctrl/S00_ARESETN ctrl/M00_ARESETN ctrl/M01_ARESETN
    mem/S00_ARESETN mem/S01_ARESETN mem/M00_ARESETN
} {
    connect_bd_net [get_bd_pins reset/peripheral_aresetn] [get_bd_pins $pin]
}

# ---- data, registers, interrupts ----

foreach {master slave} {
    ps/M_AXI_GP0    ctrl/S00_AXI
    ctrl/M00_AXI    dma/S_AXI_LITE
    ctrl/M01_AXI    core/s_axi
    dma/M_AXIS_MM2S core/s_axis
    core/m_axis     dma/S_AXIS_S2MM
    dma/M_AXI_MM2S  mem/S00_AXI
    dma/M_AXI_S2MM  mem/S01_AXI
    mem/M00_AXI     ps/S_AXI_HP0
} {
    connect_bd_intf_net [get_bd_intf_pins $master] [get_bd_intf_pins $slave]
}
connect_bd_net [get_bd_pins dma/s2mm_introut] [get_bd_pins irq/In0]
connect_bd_net [get_bd_pins dma/mm2s_introut] [get_bd_pins irq/In1]
connect_bd_net [get_bd_pins irq/dout] [get_bd_pins ps/IRQ_F2P]

# ---- addresses: those of the driver (hls/driver/regs.h) ----

assign_bd_address -offset $dma_address -range $dma_bytes \
    -target_address_space [get_bd_addr_spaces ps/Data] \
    [get_bd_addr_segs dma/S_AXI_LITE/Reg]
assign_bd_address -offset $core_address -range $core_bytes \
    -target_address_space [get_bd_addr_spaces ps/Data] \
    [get_bd_addr_segs core/s_axi/reg0]
foreach space {dma/Data_MM2S dma/Data_S2MM} {
    assign_bd_address -offset 0x00000000 -range 0x20000000 \
        -target_address_space [get_bd_addr_spaces $space] \
        [get_bd_addr_segs ps/S_AXI_HP0/HP0_DDR_LOWOCM]
}
validate_bd_design
save_bd_design

# ---- bitstream ----

set design [get_files board.bd]
set_property synth_checkpoint_mode None $design
generate_target all $design
add_files -norecurse [make_wrapper -files $design -top]
set_property top board_wrapper [current_fileset]
update_compile_order -fileset sources_1

foreach run {synth_1 impl_1} {
    launch_runs $run -jobs 2
    wait_on_run $run
    if {[get_property PROGRESS [get_runs $run]] ne "100%"} {
        fail "$run did not finish: [get_property STATUS [get_runs $run]]"
    }
}
open_run impl_1
report_utilization -file $here/vivado_utilization.txt
report_timing_summary -file $here/vivado_timing.txt
foreach {delay kind} {max setup min hold} {
    set path [get_timing_paths -delay_type $delay -max_paths 1]
    if {[llength $path] == 0} { fail "no $kind path: is there a clock?" }
    set slack [get_property SLACK $path]
    if {$slack < 0} {
        fail "$kind slack is $slack ns: no bitstream; see vivado_timing.txt"
    }
    puts "vivado.tcl: $kind slack $slack ns"
}
write_bitstream -force $here/$core.bit
exit 0
