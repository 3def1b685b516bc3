// Bus beats to elements of W bits: the low W bits of each BYTES bytes.
//
// Ports: data only, wires; valid and ready pass it by. Together with
// pta_gearbox (C_IN = elements of the tensor, P_IN = 8 / BYTES) it turns a
// tensor on the bus into a stream of vectors.
// Resources: none.
`default_nettype none
module pta_unpack #(
    parameter W = 8,
    parameter BYTES = 1
) (
    input  wire [63:0]          in_data,
    output wire [8/BYTES*W-1:0] out_data
);
    genvar i;
    generate for (i = 0; i < 8 / BYTES; i = i + 1) begin : element
        assign out_data[i*W +: W] = in_data[i*8*BYTES +: W];
    end endgenerate
endmodule
`default_nettype wire
