# A strict stand-in for Vivado's Tcl: just enough of its block designs to record
# what a script makes. What is not listed here is refused: commands, options,
# kinds of cells, properties, pins, interfaces, files, runs; and so are values
# out of range, pins driven twice, a master wired to a master, streams of
# different widths. Nothing is simulated or synthesised.
#
#     vivado_run SCRIPT SLACKS    runs it, returns {EXIT_CODE MESSAGE}; SLACKS is a
#                                 dict of max and min, in ns
#     ::design                    what was made: see vivado_run

namespace eval stub {
    variable d ;# the design, a dict
}

# ---- kinds of cells ----
#
# properties: name, default, values allowed (a list, or "int LO HI")
# pins: name, direction, kind (clk rst intr data), needed (1) or optional (0)
# interfaces: name, mode (master slave), type (aximm axis fixed), needed
# spaces: address spaces a master owns; segments: what a slave offers

proc stub::kind {vlnv properties} {
    set p $properties
    switch -- $vlnv {
        xilinx.com:ip:processing_system7:5.5 {
            set pins {}
            set intfs {{DDR master fixed 1} {FIXED_IO master fixed 1}}
            if {[dict get $p PCW_EN_CLK0_PORT]} {
                lappend pins {FCLK_CLK0 O clk 1}
            }
            if {[dict get $p PCW_EN_RST0_PORT]} {
                lappend pins {FCLK_RESET0_N O rst 1}
            }
            if {[dict get $p PCW_USE_M_AXI_GP0]} {
                lappend pins {M_AXI_GP0_ACLK I clk 1}
                lappend intfs {M_AXI_GP0 master aximm 1}
            }
            if {[dict get $p PCW_USE_S_AXI_HP0]} {
                lappend pins {S_AXI_HP0_ACLK I clk 1}
                lappend intfs {S_AXI_HP0 slave aximm 1}
            }
            if {[dict get $p PCW_USE_FABRIC_INTERRUPT] &&
                [dict get $p PCW_IRQ_F2P_INTR]} {
                lappend pins {IRQ_F2P I intr 1}
            }
            return [list $pins $intfs Data S_AXI_HP0/HP0_DDR_LOWOCM]
        }
        xilinx.com:ip:proc_sys_reset:5.0 {
            return [list {
                {slowest_sync_clk I clk 1} {ext_reset_in I rst 1}
                {aux_reset_in I rst 0} {mb_debug_sys_rst I rst 0}
                {dcm_locked I data 0} {mb_reset O rst 0}
                {bus_struct_reset O rst 0} {peripheral_reset O rst 0}
                {interconnect_aresetn O rst 1} {peripheral_aresetn O rst 1}
            } {} {} {}]
        }
        xilinx.com:ip:axi_dma:7.1 {
            set pins {
                {s_axi_lite_aclk I clk 1} {m_axi_mm2s_aclk I clk 1}
                {m_axi_s2mm_aclk I clk 1} {axi_resetn I rst 1}
                {mm2s_prmry_reset_out_n O rst 0}
                {s2mm_prmry_reset_out_n O rst 0}
                {mm2s_introut O intr 1} {s2mm_introut O intr 1}
            }
            set intfs {
                {S_AXI_LITE slave aximm 1} {M_AXI_MM2S master aximm 1}
                {M_AXI_S2MM master aximm 1} {M_AXIS_MM2S master axis 1}
                {S_AXIS_S2MM slave axis 1}
            }
            set spaces {Data_MM2S Data_S2MM}
            if {[dict get $p c_include_sg]} {
                lappend pins {m_axi_sg_aclk I clk 1}
                lappend intfs {M_AXI_SG master aximm 1}
                lappend spaces Data_SG
            }
            return [list $pins $intfs $spaces S_AXI_LITE/Reg]
        }
        xilinx.com:ip:axi_interconnect:2.1 {
            set pins {{ACLK I clk 1} {ARESETN I rst 1}}
            set intfs {}
            foreach {side n mode} [list S [dict get $p NUM_SI] slave \
                                        M [dict get $p NUM_MI] master] {
                for {set i 0} {$i < $n} {incr i} {
                    set port [format %s%02d $side $i]
                    lappend pins [list ${port}_ACLK I clk 1] \
                        [list ${port}_ARESETN I rst 1]
                    lappend intfs [list ${port}_AXI $mode aximm 1]
                }
            }
            return [list $pins $intfs {} {}]
        }
        xilinx.com:ip:xlconcat:2.1 {
            set pins {{dout O intr 1}}
            for {set i 0} {$i < [dict get $p NUM_PORTS]} {incr i} {
                lappend pins [list In$i I intr 1]
            }
            return [list $pins {} {} {}]
        }
    }
    error "no IP $vlnv"
}

proc stub::properties {vlnv} {
    set bool {0 1}
    set widths {32 64 128 256 512 1024}
    switch -- $vlnv {
        xilinx.com:ip:processing_system7:5.5 {
            return [list PCW_FPGA0_PERIPHERAL_FREQMHZ 50 {int 1 250} \
                PCW_EN_CLK0_PORT 1 $bool PCW_EN_RST0_PORT 1 $bool \
                PCW_USE_M_AXI_GP0 1 $bool PCW_USE_M_AXI_GP1 0 $bool \
                PCW_USE_S_AXI_HP0 0 $bool PCW_USE_S_AXI_HP1 0 $bool \
                PCW_S_AXI_HP0_DATA_WIDTH 64 {32 64} \
                PCW_USE_FABRIC_INTERRUPT 0 $bool PCW_IRQ_F2P_INTR 0 $bool]
        }
        xilinx.com:ip:axi_dma:7.1 {
            return [list c_include_sg 1 $bool \
                c_sg_include_stscntrl_strm 1 $bool \
                c_sg_length_width 14 {int 8 26} c_addr_width 32 {int 32 64} \
                c_include_mm2s 1 $bool c_include_s2mm 1 $bool \
                c_m_axi_mm2s_data_width 32 $widths \
                c_m_axis_mm2s_tdata_width 32 {8 16 32 64 128 256 512 1024} \
                c_include_mm2s_dre 0 $bool \
                c_mm2s_burst_size 16 {2 4 8 16 32 64 128 256} \
                c_m_axi_s2mm_data_width 32 $widths \
                c_s_axis_s2mm_tdata_width 32 {8 16 32 64 128 256 512 1024} \
                c_include_s2mm_dre 0 $bool \
                c_s2mm_burst_size 16 {2 4 8 16 32 64 128 256}]
        }
        xilinx.com:ip:axi_interconnect:2.1 {
            return [list NUM_SI 1 {int 1 16} NUM_MI 2 {int 1 64}]
        }
        xilinx.com:ip:xlconcat:2.1 { return [list NUM_PORTS 2 {int 1 128}] }
        xilinx.com:ip:proc_sys_reset:5.0 { return {} }
    }
    error "no IP $vlnv"
}

# ---- the core: a Verilog file with named interfaces ----

# Signals an interface may have, with the direction at its slave and its width
# (0: any).
set stub::signals {
    axis {TDATA I 64 TKEEP I 8 TVALID I 1 TREADY O 1 TLAST I 1}
    aximm {AWADDR I 0 AWVALID I 1 AWREADY O 1 WDATA I 32 WSTRB I 4 WVALID I 1
           WREADY O 1 BRESP O 2 BVALID O 1 BREADY I 1 ARADDR I 0 ARVALID I 1
           ARREADY O 1 RDATA O 32 RRESP O 2 RVALID O 1 RREADY I 1}
}
set stub::required {
    axis {TDATA TVALID TREADY TLAST}
    aximm {AWADDR AWVALID AWREADY WDATA WSTRB WVALID WREADY BRESP BVALID BREADY
           ARADDR ARVALID ARREADY RDATA RRESP RVALID RREADY}
}

proc stub::module {name} {
    variable d
    variable signals
    variable required
    set text ""
    foreach file [dict get $d files] {
        if {[file extension $file] eq ".v"} {
            set f [open $file]
            append text [read $f]
            close $f
        }
    }
    set from [string first "module $name (" $text]
    if {$from < 0} { error "no Verilog module $name" }
    set ports [string range $text $from [string first ");" $text $from]]
    set pins {}
    set intfs [dict create]
    set busif {}
    regexp {ASSOCIATED_BUSIF ([\w:]+)} $ports - busif
    foreach {- type intf signal dir width port} [regexp -all -inline \
        {X_INTERFACE_INFO = "xilinx.com:(\w+:\w+):1.0 (\w+) (\w+)" \*\)\s*(?:\(\*[^*]*\*\)\s*)?(input|output)\s+wire\s*(\[\d+:0\])?\s*(\w+)} \
        $ports] {
        set dir [expr {$dir eq "input" ? "I" : "O"}]
        set bits [expr {$width eq "" ? 1 : [scan $width {[%d}] + 1}]
        if {$type in {signal:clock signal:reset}} {
            lappend pins [list $port $dir \
                [expr {$type eq "signal:clock" ? "clk" : "rst"}] 1]
            continue
        }
        set type [lindex [split $type :] 1]
        set known [dict get $signals $type]
        set at [lsearch $known $signal]
        if {$at < 0} { error "$port: interface $type has no $signal" }
        lassign [lrange $known $at+1 $at+2] slave_dir width
        if {$width != 0 && $width != $bits} {
            error "$port: $bits bits, expected $width"
        }
        set mode [expr {$dir eq $slave_dir ? "slave" : "master"}]
        dict lappend intfs $intf [list $signal $mode $type]
    }
    set list {}
    dict for {intf members} $intfs {
        set mode [lindex $members 0 1]
        set type [lindex $members 0 2]
        set have {}
        foreach m $members {
            if {[lindex $m 1] ne $mode} {
                error "$intf/[lindex $m 0] has the wrong direction"
            }
            lappend have [lindex $m 0]
        }
        foreach s [dict get $required $type] {
            if {$s ni $have} { error "$intf lacks $s" }
        }
        if {$intf ni [split $busif :]} {
            error "$intf is not associated with a clock"
        }
        lappend list [list $intf $mode $type 1]
    }
    return [list $pins $list {} s_axi/reg0]
}

# ---- the design ----

proc stub::reset {slacks} {
    variable d [dict create part "" files {} memories {} cells {} nets {} \
        intf_nets {} external {} addresses {} validated 0 saved 0 wrapper 0 \
        top "" generated 0 runs {} opened 0 bitstream "" design "" \
        slacks $slacks]
}

proc stub::parse {name arguments options flags count} {
    # dict of options, then `rest` of exactly `count` words (-1: any)
    set result [dict create rest {}]
    for {set i 0} {$i < [llength $arguments]} {incr i} {
        set word [lindex $arguments $i]
        if {$word in $options} {
            dict set result $word [lindex $arguments [incr i]]
        } elseif {$word in $flags} {
            dict set result $word 1
        } elseif {[string match {-[a-z]*} $word]} {
            error "$name: unknown option $word"
        } else {
            dict lappend result rest $word
        }
    }
    if {$count >= 0 && [llength [dict get $result rest]] != $count} {
        error "$name: [llength [dict get $result rest]] words, expected $count"
    }
    return $result
}

proc stub::need {arguments args} {
    foreach option $args {
        if {![dict exists $arguments $option]} { error "$option is missing" }
    }
}

# {pins interfaces spaces segments} of a cell as it is configured now
proc stub::parts {cell} {
    variable d
    set kind [dict get $d cells $cell kind]
    if {[string match module:* $kind]} {
        return [module [string range $kind 7 end]]
    }
    return [kind $kind [dict get $d cells $cell properties]]
}

proc stub::find {path index what} {
    variable d
    lassign [split $path /] cell
    set name [join [lrange [split $path /] 1 end] /]
    if {![dict exists $d cells $cell]} { error "no cell $cell" }
    foreach part [lindex [parts $cell] $index] {
        if {[lindex $part 0] eq $name} { return $part }
    }
    error "$what: no $name on $cell"
}

proc stub::create_project {args} {
    variable d
    set a [parse create_project $args {-part} {-force} 2]
    need $a -part
    dict set d part [dict get $a -part]
    return project
}
proc stub::current_project {} { return project }
proc stub::current_fileset {} { return sources_1 }
proc stub::add_files {args} {
    variable d
    set a [parse add_files $args {} {-norecurse} 1]
    foreach file [lindex [dict get $a rest] 0] {
        if {$file eq "WRAPPER"} {
            dict set d wrapper 1
        } elseif {![file isfile $file]} {
            error "add_files: $file does not exist"
        } else {
            dict lappend d files $file
        }
    }
}
proc stub::get_files {args} {
    variable d
    set a [parse get_files $args {} {} 1]
    set names [lindex [dict get $a rest] 0]
    if {$names eq "board.bd" && [dict get $d saved]} { return BD }
    foreach file $names {
        if {$file ni [dict get $d files]} { error "get_files: no $file" }
    }
    return $names
}
proc stub::update_compile_order {args} {
    parse update_compile_order $args {-fileset} {} 0
    return
}

proc stub::create_bd_design {name} {
    variable d
    dict set d design $name
    return
}
proc stub::create_bd_cell {args} {
    variable d
    set a [parse create_bd_cell $args {-type -vlnv -reference} {} 1]
    set name [dict get $a rest]
    if {[dict get $d design] eq ""} { error "no block design is open" }
    if {[dict exists $d cells $name]} { error "cell $name is there already" }
    need $a -type
    set properties [dict create]
    switch -- [dict get $a -type] {
        ip {
            set kind [dict get $a -vlnv]
            foreach {p value -} [properties $kind] {
                dict set properties $p $value
            }
        }
        module {
            module [dict get $a -reference]
            set kind module:[dict get $a -reference]
        }
        default { error "create_bd_cell: -type [dict get $a -type]" }
    }
    dict set d cells $name [dict create kind $kind properties $properties]
    return $name
}
proc stub::get_bd_cells {name} {
    variable d
    if {![dict exists $d cells $name]} { error "no cell $name" }
    return [list CELL $name]
}
proc stub::get_bd_pins {path} { find $path 0 pin; return [list PIN $path] }
proc stub::get_bd_intf_pins {path} {
    find $path 1 interface
    return [list INTF $path]
}
proc stub::get_bd_addr_spaces {path} {
    lassign [split $path /] cell space
    if {$space ni [lindex [parts $cell] 2]} { error "no space $path" }
    return [list SPACE $path]
}
proc stub::get_bd_addr_segs {path} {
    set cell [lindex [split $path /] 0]
    set segment [string range $path [string length $cell/] end]
    if {$segment ni [lindex [parts $cell] 3]} { error "no segment $path" }
    return [list SEGMENT $path]
}
proc stub::object {type value} {
    if {[lindex $value 0] ne $type} { error "expected a $type, not $value" }
    return [lindex $value 1]
}

proc stub::set_cell_property {cell name value} {
    variable d
    if {![regexp {^CONFIG\.(\w+)$} $name - name]} {
        error "cell $cell has no property $name"
    }
    foreach {p - values} [properties [dict get $d cells $cell kind]] {
        if {$p ne $name} { continue }
        set fits [expr {[lindex $values 0] eq "int" ?
            [string is integer -strict $value] &&
            $value >= [lindex $values 1] && $value <= [lindex $values 2] :
            $value in $values}]
        if {!$fits} { error "$cell: $name $value, expected $values" }
        dict set d cells $cell properties $name $value
        return
    }
    error "cell $cell has no property $name"
}
proc stub::set_property {args} {
    variable d
    if {[lindex $args 0] eq "-dict"} {
        lassign $args - pairs object
        set cell [object CELL $object]
        dict for {name value} $pairs { set_cell_property $cell $name $value }
        return
    }
    lassign $args name value object
    switch -- $name {
        target_language {
            if {$object ne "project" || $value ni {Verilog VHDL}} {
                error "target_language $value of $object"
            }
        }
        file_type {
            if {$value ne "Memory File"} { error "file_type $value" }
            dict set d memories $object
        }
        synth_checkpoint_mode {
            if {$object ne "BD" || $value ni {None Hierarchical Singular}} {
                error "synth_checkpoint_mode $value of $object"
            }
        }
        top {
            if {$object ne "sources_1"} { error "top of $object" }
            dict set d top $value
        }
        default { error "no property $name" }
    }
}

proc stub::driver {path} {
    variable d
    set pin [find $path 0 pin]
    return [expr {[lindex $pin 1] eq "O"}]
}
proc stub::connect_bd_net {args} {
    variable d
    set source {}
    set sinks {}
    foreach object $args {
        set path [object PIN $object]
        if {[driver $path]} { lappend source $path } else { lappend sinks $path }
    }
    if {[llength $source] != 1 || [llength $sinks] == 0} {
        error "connect_bd_net: one source and its sinks, not $args"
    }
    set kind [lindex [find $source 0 pin] 2]
    foreach sink $sinks {
        if {[lindex [find $sink 0 pin] 2] ne $kind} {
            error "connect_bd_net: $source is $kind, $sink is not"
        }
        if {[dict exists $d nets $sink]} { error "$sink is driven twice" }
        dict set d nets $sink $source
    }
}
proc stub::axis_width {path} {
    variable d
    lassign [split $path /] cell name
    set p [dict get $d cells $cell properties]
    switch -- $name {
        M_AXIS_MM2S { return [dict get $p c_m_axis_mm2s_tdata_width] }
        S_AXIS_S2MM { return [dict get $p c_s_axis_s2mm_tdata_width] }
    }
    return 64
}
proc stub::connect_bd_intf_net {args} {
    variable d
    set paths {}
    foreach object $args { lappend paths [object INTF $object] }
    lassign $paths a b
    if {[llength $paths] != 2} { error "connect_bd_intf_net: two interfaces" }
    lassign [find $a 1 interface] - mode_a type_a
    lassign [find $b 1 interface] - mode_b type_b
    if {$type_a ne $type_b || $mode_a ne "master" || $mode_b ne "slave"} {
        error "$a ($mode_a $type_a) does not fit $b ($mode_b $type_b)"
    }
    if {$type_a eq "axis" && [axis_width $a] != [axis_width $b]} {
        error "$a has [axis_width $a] bits, $b [axis_width $b]"
    }
    foreach path $paths {
        if {[dict exists $d intf_nets $path]} { error "$path is wired twice" }
    }
    dict set d intf_nets $a $b
    dict set d intf_nets $b $a
}
proc stub::make_bd_intf_pins_external {object} {
    variable d
    set path [object INTF $object]
    if {[lindex [find $path 1 interface] 2] ne "fixed"} {
        error "$path is not for outside"
    }
    dict set d intf_nets $path external
}
proc stub::assign_bd_address {args} {
    variable d
    set a [parse assign_bd_address $args \
        {-offset -range -target_address_space} {} 1]
    need $a -offset -range -target_address_space
    set space [object SPACE [dict get $a -target_address_space]]
    set segment [object SEGMENT [lindex [dict get $a rest] 0]]
    set offset [expr {[dict get $a -offset]}]
    set range [expr {[dict get $a -range]}]
    if {$range < 4096 || ($range & ($range - 1)) != 0 || $offset % $range} {
        error "assign_bd_address: $range bytes at $offset"
    }
    dict set d addresses $space $segment [list $offset $range]
}
proc stub::validate_bd_design {} {
    variable d
    dict set d validated 1
}
proc stub::save_bd_design {} {
    variable d
    if {![dict get $d validated]} { error "saved before it was validated" }
    dict set d saved 1
}
proc stub::generate_target {what object} {
    variable d
    if {$what ne "all" || $object ne "BD"} { error "generate_target $what" }
    dict set d generated 1
}
proc stub::make_wrapper {args} {
    set a [parse make_wrapper $args {-files} {-top} 0]
    need $a -files -top
    if {[dict get $a -files] ne "BD"} { error "make_wrapper: no block design" }
    return WRAPPER
}

# ---- runs ----

proc stub::launch_runs {args} {
    variable d
    set a [parse launch_runs $args {-jobs} {} 1]
    set run [dict get $a rest]
    if {[dict get $d top] ne "board_wrapper" || ![dict get $d wrapper] ||
        ![dict get $d generated]} {
        error "launch_runs: the design is not complete"
    }
    if {$run ni {synth_1 impl_1} ||
        ($run eq "impl_1" && [dict get $d runs] ne {synth_1 done})} {
        error "launch_runs: $run after [dict get $d runs]"
    }
    dict set d runs $run started
}
proc stub::wait_on_run {run} {
    variable d
    if {[dict get $d runs $run] ne "started"} { error "$run does not run" }
    dict set d runs $run done
}
proc stub::get_runs {run} {
    if {$run ni {synth_1 impl_1}} { error "no run $run" }
    return [list RUN $run]
}
proc stub::get_property {name object} {
    variable d
    lassign $object type value
    switch -- $type,$name {
        RUN,PROGRESS {
            set done [expr {[dict exists $d runs $value] &&
                            [dict get $d runs $value] eq "done"}]
            if {[dict exists $d slacks fails] &&
                [dict get $d slacks fails] eq $value} { set done 0 }
            return [expr {$done ? "100%" : "40%"}]
        }
        RUN,STATUS { return "status of $value" }
        PATH,SLACK { return [dict get $d slacks $value] }
    }
    error "$type has no property $name"
}
proc stub::open_run {run} {
    variable d
    if {$run ne "impl_1" || [dict get $d runs impl_1] ne "done"} {
        error "open_run $run"
    }
    dict set d opened 1
}
proc stub::report_utilization {args} {
    need [parse report_utilization $args {-file} {} 0] -file
}
proc stub::report_timing_summary {args} {
    need [parse report_timing_summary $args {-file} {} 0] -file
}
proc stub::get_timing_paths {args} {
    variable d
    set a [parse get_timing_paths $args {-delay_type -max_paths} {} 0]
    need $a -delay_type
    if {![dict get $d opened] || [dict get $a -delay_type] ni {max min}} {
        error "get_timing_paths $args"
    }
    return [list PATH [dict get $a -delay_type]]
}
proc stub::write_bitstream {args} {
    variable d
    set a [parse write_bitstream $args {} {-force} 1]
    if {![dict get $d opened]} { error "write_bitstream: no design is open" }
    dict set d bitstream [lindex [dict get $a rest] 0]
}

set stub::commands {
    create_project current_project current_fileset add_files get_files
    update_compile_order create_bd_design create_bd_cell get_bd_cells
    get_bd_pins get_bd_intf_pins get_bd_addr_spaces get_bd_addr_segs
    set_property connect_bd_net connect_bd_intf_net make_bd_intf_pins_external
    assign_bd_address validate_bd_design save_bd_design generate_target
    make_wrapper launch_runs wait_on_run get_runs get_property open_run
    report_utilization report_timing_summary get_timing_paths write_bitstream
}

# Runs a script in an interpreter that has only plain Tcl and the commands
# above. A script that ends without `exit` has code -1, one with an error 1, as
# `vivado -mode batch` has.
proc vivado_run {script slacks} {
    stub::reset $slacks
    set vivado [interp create]
    foreach command $stub::commands {
        interp alias $vivado $command {} stub::$command
    }
    interp hide $vivado exec
    interp eval $vivado { rename unknown {}; rename puts plain_puts }
    interp eval $vivado {
        proc puts {args} { lappend ::said [lindex $args end] }
        set ::said {}
    }
    interp alias $vivado exit {} stub_exit $vivado
    set ::exit_code -1
    if {[catch {interp eval $vivado [list source $script]} message] &&
        $::exit_code == -1} {
        set ::exit_code 1
    } else {
        set message [interp eval $vivado {join $::said "\n"}]
    }
    interp delete $vivado
    set ::design $stub::d
    return [list $::exit_code $message]
}
proc stub_exit {vivado {code 0}} {
    set ::exit_code $code
    return -code error "exit $code"
}
