// W bits, N >= 0 cycles later. Not a stream: no handshake, no reset.
//
// Resources: N 0: none; 1: W FF; more: W SRL16E (N <= 16).
`default_nettype none
module pta_delay #(
    parameter W = 8,
    parameter N = 1
) (
    input  wire         clk,
    input  wire [W-1:0] in,
    output wire [W-1:0] out
);
    generate if (N == 0) begin : none
        assign out = in;
    end else if (N == 1) begin : one
        reg [W-1:0] q;
        always @(posedge clk) q <= in;
        assign out = q;
    end else begin : line
        // A register for each stage: of one wide register Yosys 0.23 takes two
        // stages as one where it moves them into a DSP.
        wire [(N+1)*W-1:0] at;
        genvar k;
        assign at[0 +: W] = in;
        for (k = 0; k < N; k = k + 1) begin : stage
            reg [W-1:0] q;
            always @(posedge clk) q <= at[k*W +: W];
            assign at[(k+1)*W +: W] = q;
        end
        assign out = at[N*W +: W];
    end endgenerate
endmodule
`default_nettype wire
