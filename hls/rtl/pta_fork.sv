// One stream to K = 1 to 4 consumers, each behind a FIFO of its own.
//
// Ports: in, out0 to out3: W bits a beat; of the outputs the first K are used,
// the others never valid.
// DEPTHk, BLOCKk: beats of FIFO k and its memory (pta_fifo). A beat is taken
// when all FIFOs have room, so a branch that lags by at most its DEPTH never
// stops the others: give a skip branch the beats the other branch holds.
// Timing: a beat leaves by out k as many cycles after it came as FIFO k takes;
// interval that of the slowest FIFO.
// Resources: the FIFOs.
`default_nettype none
module pta_fork #(
    parameter W = 8,
    parameter K = 2,
    parameter DEPTH0 = 2,
    parameter DEPTH1 = 2,
    parameter DEPTH2 = 2,
    parameter DEPTH3 = 2,
    parameter BLOCK0 = 0,
    parameter BLOCK1 = 0,
    parameter BLOCK2 = 0,
    parameter BLOCK3 = 0
) (
    input  wire         clk, rst,
    input  wire [W-1:0] in_data,
    input  wire         in_valid,
    output wire         in_ready,
    output wire [W-1:0] out0_data, out1_data, out2_data, out3_data,
    output wire         out0_valid, out1_valid, out2_valid, out3_valid,
    input  wire         out0_ready, out1_ready, out2_ready, out3_ready
);
    wire [3:0] room;
    wire [3:0] valid;
    wire [4*W-1:0] data;
    wire [3:0] ready = {out3_ready, out2_ready, out1_ready, out0_ready};
    assign in_ready = &room;
    assign {out3_data, out2_data, out1_data, out0_data} = data;
    assign {out3_valid, out2_valid, out1_valid, out0_valid} = valid;

    genvar k;
    generate for (k = 0; k < 4; k = k + 1) begin : branch
        if (k < K) begin : used
            pta_fifo #(
                .W(W),
                .DEPTH(k == 0 ? DEPTH0 : k == 1 ? DEPTH1
                     : k == 2 ? DEPTH2 : DEPTH3),
                .BLOCK(k == 0 ? BLOCK0 : k == 1 ? BLOCK1
                     : k == 2 ? BLOCK2 : BLOCK3)
            ) fifo (
                .clk(clk), .rst(rst), .in_data(in_data),
                .in_valid(in_valid && in_ready), .in_ready(room[k]),
                .out_data(data[k*W +: W]), .out_valid(valid[k]),
                .out_ready(ready[k]));
        end else begin : unused
            assign room[k] = 1'b1;
            assign valid[k] = 1'b0;
            assign data[k*W +: W] = 0;
        end
    end endgenerate
endmodule
`default_nettype wire
