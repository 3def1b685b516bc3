// A function of one variable by its table (sigmoid, tanh, hard_sigmoid).
//
// Ports: in: P elements of WX bits a beat; out: P of WOUT.
// FILE: DEPTH words of WOUT bits, the values at raw inputs FIRST .. FIRST + DEPTH
// - 1; below FIRST the first word holds, above the last. So a curve that has
// reached its ends needs no entries there. FIRST lies in the range of x.
// Timing: a beat leaves 3 cycles after it came; interval 1 cycle a beat.
// Resources: DEPTH x WOUT bits of memory a lane (BLOCK 0: LUTs, 1: block RAM,
// of which two lanes share one).
`default_nettype none
module pta_table #(
    parameter P = 1,
    parameter WX = 8,
    parameter X_SIGNED = 1,
    parameter WOUT = 8,
    parameter FIRST = -128,
    parameter DEPTH = 256,
    parameter BLOCK = 0,
    parameter FILE = "table.hex"
) (
    input  wire              clk, rst,
    input  wire [P*WX-1:0]   in_data,
    input  wire              in_valid,
    output wire              in_ready,
    output wire [P*WOUT-1:0] out_data,
    output wire              out_valid,
    input  wire              out_ready
);
    localparam AW = DEPTH > 1 ? $clog2(DEPTH) : 1;
    localparam IW = WX + 3; // indices before they are clamped

    // The index is registered; a memory without enable, so while the beat
    // waits it reads the same word again.
    wire ready;
    reg [1:0] valid;
    assign in_ready = ready;
    always @(posedge clk)
        if (rst) valid <= 0;
        else if (ready) valid <= {valid[0], in_valid};

    wire [P*WOUT-1:0] values;
    genvar k;
    generate for (k = 0; k < P; k = k + 1) begin : lane
        wire [WX-1:0] raw = in_data[k*WX +: WX];
        wire signed [IW-1:0] x = {{(IW-WX){X_SIGNED != 0 && raw[WX-1]}}, raw};
        wire signed [IW-1:0] i = x - FIRST;
        reg [AW-1:0] now, then;
        always @(posedge clk) if (ready) begin
            now <= i < 0 ? 0 : i > DEPTH - 1 ? DEPTH - 1 : i[AW-1:0];
            then <= now;
        end
        pta_rom #(.W(WOUT), .DEPTH(DEPTH), .BLOCK(BLOCK), .FILE(FILE)) rom (
            .clk(clk), .addr(ready ? now : then),
            .q(values[k*WOUT +: WOUT]));
    end endgenerate

    pta_skid #(.W(P*WOUT)) out_skid (
        .clk(clk), .rst(rst), .in_data(values), .in_valid(valid[1]),
        .in_ready(ready), .out_data(out_data), .out_valid(out_valid),
        .out_ready(out_ready));
endmodule
`default_nettype wire
