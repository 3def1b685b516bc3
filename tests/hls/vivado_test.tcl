# Runs a generated vivado.tcl against vivado_stubs.tcl and asserts on the design
# that it made; then damages the script in many ways, each of which must be
# noticed.
#
#     tclsh vivado_test.tcl FOLDER REGS_H TOP
set stubs [file dirname [info script]]/vivado_stubs.tcl
source $stubs
lassign $argv folder regs_h top
set script $folder/vivado.tcl

proc constant {name} {
    set f [open $::regs_h]
    set text [read $f]
    close $f
    if {![regexp "#define $name\\s+(0x\[0-9A-Fa-f\]+|\[0-9\]+)u?\\s" $text - v]} {
        error "$name is not in $::regs_h"
    }
    return [expr {$v}]
}

# What is wrong with a run of `script` on a chip with this slack; "" if nothing.
proc complaints {script} {
    set bad {}
    lassign [vivado_run $script {max 0.2 min 0.05}] code message
    set d $::design
    if {$code != 0} { return [list "exit $code: $message"] }
    foreach {what got expected} [list \
        part [dict get $d part] xc7z020clg400-1 \
        FCLK0 [dict get $d cells ps properties PCW_FPGA0_PERIPHERAL_FREQMHZ] 100 \
        HP0 [dict get $d cells ps properties PCW_S_AXI_HP0_DATA_WIDTH] 64 \
        scatter-gather [dict get $d cells dma properties c_include_sg] 0 \
        length [dict get $d cells dma properties c_sg_length_width] \
            [constant PTA_DMA_LENGTH_BITS] \
        MM2S [dict get $d cells dma properties c_m_axi_mm2s_data_width] 64 \
        S2MM [dict get $d cells dma properties c_m_axi_s2mm_data_width] 64 \
        "stream in" [dict get $d cells dma properties c_m_axis_mm2s_tdata_width] 64 \
        "stream out" [dict get $d cells dma properties c_s_axis_s2mm_tdata_width] 64 \
        bitstream [dict get $d bitstream] [file normalize $::folder/$::top.bit] \
    ] {
        if {$got ne $expected} { lappend bad "$what is $got, not $expected" }
    }
    return [concat $bad [check_pins $d] [check_routes $d] [check_addresses $d] \
        [check_files $d]]
}

# Every clock, reset, AXI and interrupt pin is connected, once (the stubs refuse
# a second time).
proc check_pins {d} {
    set bad {}
    set sources [dict values [dict get $d nets]]
    foreach cell [dict keys [dict get $d cells]] {
        lassign [stub::parts $cell] pins intfs
        foreach pin $pins {
            lassign $pin name dir kind needed
            set on [expr {$dir eq "I" ? [dict exists $d nets $cell/$name] :
                                        "$cell/$name" in $sources}]
            if {$needed && !$on} { lappend bad "$cell/$name is not connected" }
        }
        foreach intf $intfs {
            if {![dict exists $d intf_nets $cell/[lindex $intf 0]]} {
                lappend bad "$cell/[lindex $intf 0] is not connected"
            }
        }
    }
    return $bad
}

# Who drives what: one clock, resets by the reset block, the right interrupt on
# each line, registers and memory behind the right interconnect.
proc check_routes {d} {
    set bad {}
    dict for {sink source} [dict get $d nets] {
        set kind [lindex [stub::find $sink 0 pin] 2]
        if {$kind eq "clk" && $source ne "ps/FCLK_CLK0"} {
            lappend bad "$sink is clocked by $source"
        }
        if {$kind eq "rst" && $sink ne "reset/ext_reset_in" &&
            $source ni {reset/peripheral_aresetn reset/interconnect_aresetn}} {
            lappend bad "$sink is reset by $source"
        }
    }
    foreach {sink source} {
        reset/ext_reset_in ps/FCLK_RESET0_N   ps/IRQ_F2P irq/dout
        irq/In0 dma/s2mm_introut              irq/In1 dma/mm2s_introut
    } {
        if {![dict exists $d nets $sink] || [dict get $d nets $sink] ne $source} {
            lappend bad "$sink is not driven by $source"
        }
    }
    foreach {a b} {
        ps/M_AXI_GP0 ctrl/S00_AXI      dma/M_AXIS_MM2S core/s_axis
        core/m_axis dma/S_AXIS_S2MM    mem/M00_AXI ps/S_AXI_HP0
    } {
        if {![dict exists $d intf_nets $a] || [dict get $d intf_nets $a] ne $b} {
            lappend bad "$a does not lead to $b"
        }
    }
    foreach {slave from} {
        dma/S_AXI_LITE ctrl/M  core/s_axi ctrl/M
        dma/M_AXI_MM2S mem/S   dma/M_AXI_S2MM mem/S
    } {
        if {![dict exists $d intf_nets $slave] ||
            ![string match $from* [dict get $d intf_nets $slave]]} {
            lappend bad "$slave is not on $from"
        }
    }
    return $bad
}

proc check_addresses {d} {
    set bad {}
    set ddr [list 0 [expr {512 * 1024 * 1024}]]
    foreach {space segment expected} [list \
        ps/Data dma/S_AXI_LITE/Reg \
            [list [constant PTA_DMA_ADDRESS] [constant PTA_DMA_BYTES]] \
        ps/Data core/s_axi/reg0 \
            [list [constant PTA_CORE_ADDRESS] [constant PTA_CORE_BYTES]] \
        dma/Data_MM2S ps/S_AXI_HP0/HP0_DDR_LOWOCM $ddr \
        dma/Data_S2MM ps/S_AXI_HP0/HP0_DDR_LOWOCM $ddr] {
        if {![dict exists $d addresses $space $segment] ||
            [dict get $d addresses $space $segment] ne $expected} {
            lappend bad "$segment in $space is not at $expected"
        }
    }
    return $bad
}

# Every RTL file and memory of the folder is in the project, memories as such.
proc check_files {d} {
    set bad {}
    set here [file normalize $::folder]
    foreach file [glob $here/*.sv $here/*.v $here/*.hex] {
        if {$file ni [dict get $d files]} { lappend bad "$file was left out" }
        if {[file extension $file] eq ".hex" &&
            $file ni [dict get $d memories]} {
            lappend bad "$file is not a memory file"
        }
    }
    return $bad
}

set failed 0
proc problem {text} {
    puts stderr "FAILED: $text"
    set ::failed 1
}

# ---- as generated ----

set bad [complaints $script]
foreach text $bad { problem $text }

foreach {slacks pattern} {
    {max -0.001 min 0.1}          {*setup slack is -0.001*}
    {max 0.3 min -0.02}           {*hold slack is -0.02*}
    {max 1 min 1 fails synth_1}   {*synth_1 did not finish*}
    {max 1 min 1 fails impl_1}    {*impl_1 did not finish*}
} {
    lassign [vivado_run $script $slacks] code message
    if {$code != 1 || ![string match $pattern $message] ||
        [dict get $design bitstream] ne ""} {
        problem "$slacks: exit $code, \"$message\""
    }
}
foreach file [list [lindex [glob $folder/*.sv] 0] [lindex [glob $folder/*.hex] 0]] {
    file rename $file $file.gone
    lassign [vivado_run $script {max 1 min 1}] code message
    file rename $file.gone $file
    if {$code != 1 || ![string match "*[file tail $file] is missing*" $message]} {
        problem "without $file: exit $code, \"$message\""
    }
}

# ---- damaged ----

set f [open $script]
set text [read $f]
close $f
set caught 0
set tried 0

# A copy of the script in which `from` is `to` must be complained about.
proc mutate {from to} {
    incr ::tried
    set at [string first $from $::text]
    if {$at < 0} {
        problem "mutation: \"$from\" is not in the script"
        return
    }
    set f [open $::folder/mutant.tcl w]
    puts -nonewline $f [string replace $::text $at \
        [expr {$at + [string length $from] - 1}] $to]
    close $f
    if {[complaints $::folder/mutant.tcl] eq ""} {
        problem "not noticed: \"$from\" -> \"$to\""
    } else {
        incr ::caught
    }
    file delete $::folder/mutant.tcl
}

# Every pin and interface named in a connection, left out.
foreach pin [regexp -all -inline {[a-z]+/[A-Z][A-Z0-9_]*ACLK|[a-z]+/[A-Z0-9]*_?ARESETN|dma/[a-z0-9_]*aclk|core/aclk|core/aresetn|dma/axi_resetn|reset/slowest_sync_clk} $text] {
    mutate $pin ""
}
foreach line [split $text \n] {
    if {[regexp {^    \S+/\S+\s+\S+/\S+$} $line] &&
        ![string match *ACLK* $line] && ![string match *ARESETN* $line]} {
        mutate $line\n ""
    }
    if {[regexp {^(connect_bd_net|make_bd_intf)} $line]} {
        mutate $line\n ""
    }
}
# Every property of a cell, misspelt, and every number in one, changed.
foreach {- name} [regexp -all -inline {CONFIG\.(\w+)} $text] {
    mutate CONFIG.$name CONFIG.${name}X
}
foreach {from to} {
    {-part xc7z020clg400-1} {-part xc7z010clg400-1}
    {set clock_mhz 100} {set clock_mhz 125}
    {HP0_DATA_WIDTH 64} {HP0_DATA_WIDTH 32}
    {c_include_sg 0} {c_include_sg 1}
    {set length_bits 26} {set length_bits 23}
    {mm2s_data_width 64} {mm2s_data_width 32}
    {s2mm_data_width 64} {s2mm_data_width 32}
    {mm2s_tdata_width 64} {mm2s_tdata_width 32}
    {s2mm_tdata_width 64} {s2mm_tdata_width 128}
    {PCW_USE_S_AXI_HP0 1} {PCW_USE_S_AXI_HP0 0}
    {PCW_IRQ_F2P_INTR 1} {PCW_IRQ_F2P_INTR 0}
    {NUM_MI 2} {NUM_MI 3}
    {NUM_PORTS 2} {NUM_PORTS 1}
    {dma/s2mm_introut] [get_bd_pins irq/In0} {dma/mm2s_introut] [get_bd_pins irq/In0}
    {set dma_address 0x4040} {set dma_address 0x4041}
    {set core_bytes 0x1000} {set core_bytes 0x2000}
    {-range 0x20000000} {-range 0x10000000}
    {exit 1} {exit 0}
    {$slack < 0} {$slack < -1}
    connect_bd_intf_net connect_bd_intf_nets
    {-file $here} {-files $here}
    reset/interconnect_aresetn reset/peripheral_reset
    {    core/m_axis     dma/S_AXIS_S2MM} {    dma/S_AXIS_S2MM core/m_axis}
    {foreach file $memories} {foreach file {}}
    validate_bd_design {}
    {write_bitstream -force $here/$core.bit} {}
} {
    # these two only show when a path is too slow
    if {$from in {{exit 1} {$slack < 0}}} {
        incr tried
        set f [open $folder/mutant.tcl w]
        puts -nonewline $f [string map [list $from $to] $text]
        close $f
        lassign [vivado_run $folder/mutant.tcl {max -0.4 min 0.1}] code
        file delete $folder/mutant.tcl
        if {$code == 1} { problem "not noticed: $from" } else { incr caught }
        continue
    }
    mutate $from $to
}
# and in the core's Verilog
set f [open $folder/board.v]
set verilog [read $f]
close $f
foreach {from to} {
    {s_axis TLAST} {s_axis TLASTS}
    {s_axi BREADY} {s_axi RREADY}
    {[63:0] m_axis_tdata} {[31:0] m_axis_tdata}
    {output wire        m_axis_tlast} {input  wire        m_axis_tlast}
    {:m_axis:} {:}
} {
    incr tried
    set f [open $folder/board.v w]
    puts -nonewline $f [string map [list $from $to] $verilog]
    close $f
    if {[complaints $script] eq ""} {
        problem "not noticed in board.v: $from -> $to"
    } else {
        incr caught
    }
}
set f [open $folder/board.v w]
puts -nonewline $f $verilog
close $f

puts "vivado: [llength $bad] complaints; $caught of $tried mutants noticed"
exit $failed
