// Sliding window in one or two dimensions: the input of a convolution's
// matrix-vector unit.
//
// Ports: in: ROWS x COLS vectors of C elements of W bits, P a beat; out: for each
// output position, row by row, one vector of KH KW C elements in the order of
// the kernel's columns (kh, kw, channel), P_OUT a beat.
// Parameters: window, DEPTH and BLOCK as pta_cells, which reads one beat of P
// elements a cycle: for a faster unit choose P up to C.
// Timing: as pta_cells if P_OUT = P divides C. Else a pta_gearbox follows:
// latency 1 more at least, interval max(that of pta_cells, positions
// ceil(KH KW C / P_OUT)) at least.
// Resources: pta_cells; pta_gearbox.
`default_nettype none
module pta_window #(
    parameter ROWS = 4,
    parameter COLS = 4,
    parameter C = 1,
    parameter P = 1,
    parameter P_OUT = 1,
    parameter W = 8,
    parameter KH = 3,
    parameter KW = 3,
    parameter SH = 1,
    parameter SW = 1,
    parameter DH = 1,
    parameter DW = 1,
    parameter PT = 0,
    parameter PB = 0,
    parameter PL = 0,
    parameter PR = 0,
    parameter DEPTH = 0,
    parameter BLOCK = 0
) (
    input  wire               clk, rst,
    input  wire [P*W-1:0]     in_data,
    input  wire               in_valid,
    output wire               in_ready,
    output wire [P_OUT*W-1:0] out_data,
    output wire               out_valid,
    input  wire               out_ready
);
    wire [P*W-1:0] cell_data;
    wire cell_valid, cell_ready;
    pta_cells #(.ROWS(ROWS), .COLS(COLS), .C(C), .P(P), .W(W), .KH(KH), .KW(KW),
                .SH(SH), .SW(SW), .DH(DH), .DW(DW), .PT(PT), .PB(PB), .PL(PL),
                .PR(PR), .DEPTH(DEPTH), .BLOCK(BLOCK)) cells (
        .clk(clk), .rst(rst), .in_data(in_data), .in_valid(in_valid),
        .in_ready(in_ready), .out_data(cell_data), .out_real(),
        .out_valid(cell_valid), .out_ready(cell_ready));

    generate if (P_OUT == P && C % P == 0) begin : plain
        assign out_data = cell_data;
        assign out_valid = cell_valid;
        assign cell_ready = out_ready;
    end else begin : repack
        pta_gearbox #(.W(W), .C_IN(C), .P_IN(P), .C_OUT(KH*KW*C),
                      .P_OUT(P_OUT)) gearbox (
            .clk(clk), .rst(rst), .in_data(cell_data), .in_valid(cell_valid),
            .in_ready(cell_ready), .out_data(out_data), .out_valid(out_valid),
            .out_ready(out_ready));
    end endgenerate
endmodule
`default_nettype wire
